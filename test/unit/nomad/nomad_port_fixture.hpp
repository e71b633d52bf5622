#pragma once

#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "operator/nomad/nomad_port.hpp"
#include "test/unit/net/scripted_server.hpp"

namespace rop::nomad {

/// The real port before a server that says what it is told.
class NomadPortTest : public ::testing::Test, public testing::ServedTest {
  protected:
    NomadPortTest() { connect(NomadConfig{}); }

    void connect(NomadConfig config) {
        config.server = server.url();
        nomad = make_nomad_port(*time, *random, std::move(config));
    }

    std::unique_ptr<ports::NomadPort> nomad;
};

}  // namespace rop::nomad

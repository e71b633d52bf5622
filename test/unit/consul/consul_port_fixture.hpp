#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

#include "operator/consul/consul_port.hpp"
#include "test/unit/net/scripted_server.hpp"

namespace rop::consul {

inline constexpr const char* index_7 = "X-Consul-Index: 7\r\nX-Consul-Knownleader: true\r\n";

/// The real port before a server that says what it is told.
class ConsulPortTest : public ::testing::Test, public testing::ServedTest {
  protected:
    ConsulPortTest() { connect(ConsulConfig{}); }
    ~ConsulPortTest() override {
        if (!token_file.empty()) {
            std::filesystem::remove(token_file);
        }
    }

    void connect(ConsulConfig config) {
        config.server = server.url();
        consul = make_consul_port(*time, *random, std::move(config));
    }
    void write_token(const std::string& token) {
        if (token_file.empty()) {
            token_file = std::filesystem::temp_directory_path() /
                         ("rop-token-" + std::to_string(::getpid()));
        }
        std::ofstream(token_file) << token << "\n";
    }
    std::string line(std::size_t request) const { return server.requests().at(request).line(); }
    std::string head(std::size_t request) const { return server.requests().at(request).head; }

    std::unique_ptr<ports::ConsulPort> consul;
    std::filesystem::path token_file;
};

}  // namespace rop::consul

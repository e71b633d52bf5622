#pragma once

#include "operator/ports/consul.hpp"
#include "operator/ports/nomad.hpp"
#include "operator/ports/random.hpp"
#include "operator/ports/redis.hpp"
#include "operator/ports/time.hpp"

namespace rop::loop {

/// The whole world, as the operator reaches it. Everything outlives the operator.
struct Ports {
    ports::TimePort* time = nullptr;
    ports::RedisPort* redis = nullptr;
    ports::ConsulPort* consul = nullptr;
    ports::NomadPort* nomad = nullptr;  // Null: Nomad is not configured.
    ports::RandomPort* random = nullptr;
};

}  // namespace rop::loop

// Nomad's answers: allocations, nodes, a node, a job's group, a deployment; and its times.

#include <string>

#include "operator/nomad/parse.hpp"
#include "test/fuzz/target.hpp"

namespace {

namespace nomad = rop::nomad;
using rop::fuzz::require;

template <class Value>
bool is_sound(const rop::Result<Value>& result) {
    if (result.has_value()) {
        return true;
    }
    require(result.error().kind == rop::ErrorKind::malformed ||
                result.error().kind == rop::ErrorKind::rejected,
            "a bad answer is malformed, a job that must not be scaled rejected");
    return false;
}

void read_group(std::string_view text) {
    const auto group = nomad::parse_group(text, "redis");
    if (is_sound(group)) {
        require(group.value().job_exists, "the job of a group is there");
    }
}

void read_allocations(std::string_view text) {
    const auto allocations = nomad::parse_allocations(text);
    if (!is_sound(allocations)) {
        return;
    }
    for (const auto& allocation : allocations.value()) {
        // Whether its client is connected, only its node tells.
        require(!allocation.facts.terminal(), "an allocation alone is no proof of an end");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 64 * 1024, .per_byte = 2 * 1024});
    rop::fuzz::Input input(bytes, size);
    switch (input.take_byte() % 7) {
        case 0:
            read_allocations(input.text());
            break;
        case 1:
            is_sound(nomad::parse_nodes(input.text()));
            break;
        case 2:
            is_sound(nomad::parse_node(input.text()));
            break;
        case 3:
            read_group(input.text());
            break;
        case 4:
            is_sound(nomad::parse_deployment_active(input.text()));
            break;
        case 5:
            is_sound(nomad::parse_variable(input.text()));
            break;
        default:
            const auto time = nomad::parse_time(input.text());
            require(!time || input.text().size() >= 20, "a time has a day and an hour");
    }
    return 0;
}

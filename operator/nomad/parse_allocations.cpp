#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "operator/net/json_reader.hpp"
#include "operator/nomad/parse.hpp"

namespace rop::nomad {
namespace {

/// The times of events are nanoseconds since 1970.
Timestamp time_of(std::int64_t nanoseconds) {
    return Timestamp{
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds(nanoseconds))};
}

std::optional<net::JsonField> redis_task(const net::JsonField& states) {
    const auto tasks = states.members();
    if (tasks.size() == 1) {
        return tasks.front().second;
    }
    for (const auto& [name, state] : tasks) {
        if (name == "redis" || name == "valkey") {
            return state;
        }
    }
    return std::nullopt;
}

void read_times(const net::JsonField& task, NomadFacts& facts) {
    const net::JsonField started = task["StartedAt"];
    if (!started.is_absent()) {
        if (const auto time = parse_time(started.text())) {
            facts.started_at = *time;
        } else {
            started.note("want a time");
        }
    }
    for (const auto& event : task["Events"].elements()) {
        if (event["Type"].text() == "Terminated") {
            facts.terminated_at =
                std::max(facts.terminated_at, time_of(event.at("Time").integer()));
        }
    }
}

}  // namespace

Result<std::vector<ports::Allocation>> parse_allocations(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    std::vector<ports::Allocation> allocations;
    for (const auto& field : document->root().elements()) {
        ports::Allocation allocation;
        allocation.id = field.at("ID").text();
        allocation.node_name = field["NodeName"].text();
        NomadFacts& facts = allocation.facts;
        facts.job = field["JobID"].text();
        facts.group = field["TaskGroup"].text();
        facts.name = field["Name"].text();
        facts.host = HostId{field["NodeID"].text()};
        facts.client_status = field.at("ClientStatus").text();
        facts.desired_status = field.at("DesiredStatus").text();
        facts.create_index = field["CreateIndex"].number();
        if (const auto task = redis_task(field["TaskStates"])) {
            read_times(*task, facts);
        }
        allocations.push_back(std::move(allocation));
    }
    ROP_TRY(document->verdict());
    return allocations;
}

}  // namespace rop::nomad

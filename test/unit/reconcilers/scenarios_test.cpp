// Every drawn situation of test/scenarios and the whole plan, or the words, that must come of it.
// REWRITE=1 in the environment writes the outputs anew; the difference is to be reviewed.

#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "reconcilers/registry.hpp"
#include "test/support/scenario.hpp"
#include "test/support/topology.hpp"

namespace rop::reconcilers {
namespace {

using testing::Block;

std::string describe(const ClusterStatus& status) {
    std::string text =
        std::string(to_string(status.phase)) + "/" + status.reason + ": " + status.message + "\n";
    for (const auto& condition : status.conditions) {
        text += std::string(to_string(condition.type)) + "=" +
                std::string(to_string(condition.status)) + " " + condition.reason + "\n";
    }
    for (const auto& shard : status.shards) {
        text += "shard " + shard.primary.value() + ":";
        for (const auto& range : shard.slots) {
            text += " " + range;
        }
        for (const auto& replica : shard.replicas) {
            text += " <- " + replica.instance.value() + (replica.in_sync ? "" : " (behind)");
        }
        text += "\n";
    }
    for (const auto& instance : status.instances) {
        text += instance.instance.value() + " " + instance.role + " " + instance.state + "\n";
    }
    return text;
}

/// What the first step commits to.
std::string describe(const Record& record) {
    std::string text = std::string(to_string(record.state)) + ":";
    for (const auto& [id, member] : record.members) {
        text += " " + id.value();
    }
    for (const auto& shard : record.layout) {
        text += "\nshard " + shard.primary.value() + ":";
        for (const auto& range : shard.slots) {
            text += " " + to_string(range);
        }
        for (const auto& replica : shard.replicas) {
            text += " <- " + replica.value();
        }
    }
    for (const auto& former : record.former) {
        text += "\nformer " + former.node.value().substr(0, 8);
    }
    if (record.node_timeout_found) {
        text += "\ntimeout found " + std::to_string(record.node_timeout_found->count()) + "ms";
    }
    return text + "\n";
}

std::string record_of(const Plan& plan) {
    const auto* write =
        plan.steps.empty() ? nullptr : std::get_if<WriteRecord>(&plan.steps.front().action);
    return write == nullptr ? to_string(plan) : describe(write->record);
}

/// Of the record that a step writes: what was put right, and how long ago.
std::string corrections_of(const Plan& plan, const Snapshot& seen) {
    for (const auto& step : plan.steps) {
        const auto* write = std::get_if<WriteRecord>(&step.action);
        if (write == nullptr) {
            continue;
        }
        std::string text = step.reason + "\n";
        for (const auto& one : write->record.corrections) {
            const auto age = std::chrono::duration_cast<std::chrono::minutes>(seen.wall - one.at);
            text += one.what + " " + std::to_string(age.count()) + "m ago:";
            for (const auto& run : one.runs) {
                text += " " + run;
            }
            text += "\n";
        }
        return text;
    }
    return to_string(plan);
}

std::string answer(const Block& block) {
    const Snapshot seen = testing::topology(block.input);
    const Plan plan = plan_round(seen);
    if (block.command == "plan") {
        return to_string(plan);
    }
    if (block.command == "record") {
        return record_of(plan);
    }
    if (block.command == "corrections") {
        return corrections_of(plan, seen);
    }
    if (block.command == "status") {
        return describe(conditions(seen, plan, nullptr));
    }
    return "unknown command: " + block.command + "\n";
}

class Scenarios : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Scenarios, AreAnsweredAsWritten) {
    EXPECT_EQ(testing::run_scenario(GetParam(), answer), "");
}

std::set<std::filesystem::path> files() {
    std::set<std::filesystem::path> found;
    const auto folder = std::filesystem::path(ROP_SOURCE_DIR) / "test/scenarios";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".txt") {
            found.insert(entry.path());
        }
    }
    return found;
}

INSTANTIATE_TEST_SUITE_P(Files, Scenarios, ::testing::ValuesIn(files()),
                         [](const auto& test) { return test.param.stem().string(); });

}  // namespace
}  // namespace rop::reconcilers

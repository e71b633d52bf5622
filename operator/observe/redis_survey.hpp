#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/endpoint.hpp"
#include "api/ids.hpp"
#include "api/snapshot.hpp"
#include "operator/ports/redis.hpp"

namespace rop::observe {

/// One instance to ask, at the address that the catalog gives it.
struct SurveyTarget {
    InstanceId id;
    Endpoint at;
    bool sweep = false;              // Also list the connections of operators (CLIENT LIST).
    std::vector<SlotRange> count{};  // Also count the keys in these slots, owned or not.
};

/// What one instance answered. `report` is there exactly when `contact` is `answered`.
struct SurveyAnswer {
    InstanceId id;
    Endpoint at;
    Contact contact = Contact::unasked;
    std::string detail;  // The sentence behind `contact`; empty when it answered.
    std::optional<InstanceReport> report;
};

/// The questions of one survey, for one pipelined batch. They only read.
[[nodiscard]] std::vector<ports::Words> survey_commands(bool sweep);

/// Judges the replies to survey_commands(target.sweep). Total: whatever came back, there is one
/// answer; replies that contradict each other are `garbled`.
[[nodiscard]] SurveyAnswer read_answer(const SurveyTarget& target,
                                       const ports::RedisOutcome& outcome);

struct SurveyRequest {
    std::vector<SurveyTarget> targets;
    std::shared_ptr<const ports::Access> access;  // Null: no AUTH.
    /// A connection is kept under one name: give the name that the writes of this process carry.
    std::string connection_name;
    std::chrono::milliseconds deadline{1'000};  // For each target; they are asked in parallel.
};

/// Asks all targets at once. Every target has exactly one answer, in the order of the targets.
/// `redis` must outlive the survey. Throws operation_aborted when the asking task is stopped.
boost::asio::awaitable<std::vector<SurveyAnswer>> survey(ports::RedisPort* redis,
                                                         SurveyRequest request);

}  // namespace rop::observe

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.hpp"
#include "api/plan.hpp"
#include "api/status.hpp"

namespace rop::json {

[[nodiscard]] std::string write_status(const ClusterStatus& status);
[[nodiscard]] Result<ClusterStatus> parse_status(std::string_view text);

[[nodiscard]] std::string write_events(const std::vector<Event>& events);
[[nodiscard]] Result<std::vector<Event>> parse_events(std::string_view text);

/// For `plan -o json` and /v1/clusters/<name>/plan. Write only: a plan is never read back.
[[nodiscard]] std::string write_plan(const Plan& plan);

/// "2026-11-21T09:00:00Z", with milliseconds when there are any; and back.
[[nodiscard]] std::string write_time(Timestamp time);
[[nodiscard]] Result<Timestamp> parse_time(std::string_view text);

}  // namespace rop::json

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/spec.hpp"

namespace rop::commands {

/// What a reason of a condition means, and what somebody who is woken by it can do. The table of
/// docs/reference/conditions.md is the same, row by row (a test compares them).
struct Explanation {
    std::string_view reason;   // "TooFewInstances"
    std::string_view meaning;  // A sentence.
    /// An action, or what to wait for. NAME, SERVICE, JOB and GROUP stand for what the spec says;
    /// ID and FILE are for the reader to fill in.
    std::string_view next;
};

/// Every reason that a condition or a phase can have.
[[nodiscard]] std::span<const Explanation> explanations();

/// Null for a word that this version does not know: a newer leader may have written it.
[[nodiscard]] const Explanation* explain(std::string_view reason);

/// The next step with the cluster's own words. `spec` may be null: then only NAME is filled in.
[[nodiscard]] std::string next_step_of(const Explanation& explanation, const ClusterName& name,
                                       const ClusterSpec* spec);

}  // namespace rop::commands

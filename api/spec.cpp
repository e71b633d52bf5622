#include "api/spec.hpp"

namespace rop {
namespace {

std::string in_quotes(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

}  // namespace

std::string_view to_string(Mode mode) {
    switch (mode) {
        case Mode::cluster:
            return "cluster";
        case Mode::replication:
            return "replication";
        case Mode::sentinel:
            return "sentinel";
    }
    return "cluster";
}

std::string_view to_string(Consent consent) {
    switch (consent) {
        case Consent::few_primaries:
            return "fewPrimaries";
        case Consent::no_replicas:
            return "noReplicas";
        case Consent::tight_memory:
            return "tightMemory";
        case Consent::adopt:
            return "adopt";
    }
    return "adopt";
}

std::string to_string(const Problem& problem) {
    std::string text = problem.path;
    if (!problem.value.empty()) {
        text += ": " + problem.value;
    }
    text += ": " + problem.rule;
    if (!problem.nearest.empty()) {
        text += "; did you mean " + problem.nearest + "?";
    }
    return text;
}

std::vector<Problem> problems_of_consent(const ClusterSpec& spec) {
    std::vector<Problem> problems;
    if (spec.mode != Mode::cluster) {
        return problems;
    }
    if (spec.primaries < 3 && !spec.allow.contains(Consent::few_primaries)) {
        problems.push_back(
            {.path = "$.primaries",
             .value = std::to_string(spec.primaries),
             .rule = "fewer than 3 primaries have no majority that survives a loss, so nothing "
                     "fails over by itself: declare 3 or more, or add \"fewPrimaries\" to allow",
             .nearest = ""});
    }
    if (spec.replicas_per_primary == 0 && !spec.allow.contains(Consent::no_replicas)) {
        problems.push_back(
            {.path = "$.replicasPerPrimary",
             .value = "0",
             .rule = "without replicas the loss of one instance is the loss of its data: declare "
                     "1 or more, or add \"noReplicas\" to allow",
             .nearest = ""});
    }
    return problems;
}

std::vector<Problem> problems_of_change(const ClusterSpec& accepted, const ClusterSpec& offered) {
    std::vector<Problem> problems;
    if (accepted.name != offered.name) {
        problems.push_back({.path = "$.name",
                            .value = in_quotes(offered.name.value()),
                            .rule = "the name of a cluster cannot change: it is " +
                                    in_quotes(accepted.name.value()),
                            .nearest = ""});
    }
    if (accepted.mode != offered.mode) {
        problems.push_back({.path = "$.mode",
                            .value = in_quotes(to_string(offered.mode)),
                            .rule = "the mode of a cluster cannot change: it is " +
                                    in_quotes(to_string(accepted.mode)),
                            .nearest = ""});
    }
    for (auto& problem : problems_of_consent(offered)) {
        problems.push_back(std::move(problem));
    }
    return problems;
}

}  // namespace rop

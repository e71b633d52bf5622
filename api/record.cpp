#include "api/record.hpp"

#include <string>

namespace rop {

std::string_view to_string(RecordState state) {
    switch (state) {
        case RecordState::accepted:
            return "accepted";
        case RecordState::forming:
            return "forming";
        case RecordState::formed:
            return "formed";
    }
    return "accepted";
}

namespace {

std::string group_of(const ClusterSpec& spec) {
    return spec.nomad ? "group " + spec.nomad->group + " of job " + spec.nomad->job +
                            " in namespace " + spec.nomad->nomad_namespace
                      : "none";
}

}  // namespace

std::vector<Problem> problems_of_change(const Record& record, const ClusterSpec& offered) {
    std::vector<Problem> problems = problems_of_change(record.spec, offered);
    if (record.members.empty()) {
        return problems;
    }
    if (record.spec.service != offered.service) {
        problems.push_back(
            {.path = "$.service",
             .value = offered.service,
             .rule = "the service of a cluster that has members cannot change: it is " +
                     record.spec.service,
             .nearest = record.spec.service});
    }
    if (group_of(record.spec) != group_of(offered)) {
        problems.push_back({.path = "$.nomad",
                            .value = group_of(offered),
                            .rule = "the Nomad group of a cluster that has members cannot change: "
                                    "it is " +
                                    group_of(record.spec),
                            .nearest = ""});
    }
    return problems;
}

}  // namespace rop

#include "reconcilers/arbitration.hpp"

#include <optional>

namespace rop::reconcilers {
namespace {

std::optional<std::string> clash(const ClusterSpec& a, const ClusterSpec& b) {
    if (a.service == b.service) {
        return "$.service: " + a.service;
    }
    const bool same_group = a.nomad && b.nomad && a.nomad->job == b.nomad->job &&
                            a.nomad->group == b.nomad->group &&
                            a.nomad->nomad_namespace == b.nomad->nomad_namespace;
    if (same_group) {
        return "$.nomad: group " + a.nomad->group + " of job " + a.nomad->job;
    }
    return std::nullopt;
}

bool comes_before(const Claim& a, const Claim& b) {
    if (a.has_members != b.has_members) {
        return a.has_members;
    }
    if (a.create_index != b.create_index) {
        return a.create_index < b.create_index;
    }
    return a.name < b.name;
}

}  // namespace

std::map<ClusterName, std::string> arbitrate(const std::vector<Claim>& claims) {
    std::map<ClusterName, std::string> refused;
    for (const auto& claim : claims) {
        for (const auto& other : claims) {
            if (claim.name == other.name || !comes_before(other, claim)) {
                continue;
            }
            if (const auto what = clash(claim.spec, other.spec)) {
                refused[claim.name] = *what + " belongs to cluster " + other.name.value() +
                                      ": one cluster per service and per group; choose another, "
                                      "or delete one of the two";
            }
        }
    }
    return refused;
}

}  // namespace rop::reconcilers

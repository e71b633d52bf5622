// Asks Nomad for instances that the spec declares and the group does not have.
//
// How many there are is Nomad's word (the group's count), never the catalog's: an instance whose
// registration is late must not be counted as missing. Another scaler that lowers it again and
// again is not fought (design, rule 10).

#include <string>
#include <utility>
#include <vector>

#include "reconcilers/record_step.hpp"
#include "reconcilers/registry.hpp"
#include "reconcilers/restraint.hpp"

namespace rop::reconcilers {
Proposal scaling(const ClusterSpec& spec, const Snapshot& seen) {
    Proposal proposal;
    if (!seen.record || !spec.nomad || spec.nomad->scale != ScaleRule::yes) {
        return proposal;
    }
    const auto note = [&](std::string reason, std::string what) {
        proposal.findings.push_back(
            Finding{ConditionType::observed, std::move(reason), std::move(what), {}});
    };
    const std::string group = spec.nomad->job + "." + spec.nomad->group;
    if (!seen.nomad.certain) {
        note("NomadUnavailable",
             "Nomad cannot be asked (" + seen.nomad.why + "): group " + group + " is not scaled");
        return proposal;
    }
    if (!seen.group) {
        return proposal;  // The count is being read.
    }
    if (!seen.group->job_exists) {
        note("JobNotFound", "Nomad knows no group " + group + " in namespace " +
                                spec.nomad->nomad_namespace + ": run the job, or correct $.nomad");
        return proposal;
    }
    if (seen.group->stopped) {
        note("JobStopped", "job " + spec.nomad->job + " was stopped: it is not scaled");
        return proposal;
    }
    const std::uint32_t wanted = spec.instances_wanted();
    if (seen.group->count >= wanted) {
        proposal.steps =
            close_old_corrections(seen, CorrectionOf::none, "the count held for an hour");
        return proposal;
    }
    if (is_contested(*seen.record, "count", "")) {
        note("CountContested", "somebody lowers the count of group " + group + " to " +
                                   std::to_string(seen.group->count) +
                                   " whenever it is raised to the declared " +
                                   std::to_string(wanted) + "; after " +
                                   std::to_string(corrections_max) + " times it is left as it is");
        return proposal;
    }
    if (seen.group->deployment_active) {
        note("DeploymentActive", "group " + group + " has " + std::to_string(seen.group->count) +
                                     " of " + std::to_string(wanted) +
                                     " instances; a deployment is active: scaled after it");
        proposal.look_again = std::chrono::milliseconds{1'000};
        return proposal;
    }
    proposal.steps.push_back(
        Step{RaiseCount{*spec.nomad, seen.group->count, wanted, seen.group->job_modify_index},
             "the spec declares " + std::to_string(wanted) + " instances"});
    proposal.steps.push_back(write_signed(seen, with_correction(*seen.record, seen, "count", {}),
                                          "note the raised count",
                                          "whoever lowers it again is not fought for ever"));
    return proposal;
}

}  // namespace rop::reconcilers

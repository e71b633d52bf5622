#include "operator/loop/look.hpp"

#include <utility>
#include <vector>

#include "reconcilers/topology.hpp"

namespace rop::loop {

namespace asio = boost::asio;

namespace {

/// Ended allocations are not asked: their addresses may be someone else's by now. Pending ones have
/// nobody who listens, unless that was long ago: then Nomad cannot tell that they run.
bool is_asked(const observe::Observations& seen, const Instance& instance) {
    return instance.address && (!instance.nomad || (!instance.nomad->terminal() &&
                                                    (instance.nomad->client_status != "pending" ||
                                                     !seen.nomad.certain)));
}

/// Slots that had no owner when we last looked: before one is assigned, its keys are looked for.
std::vector<SlotRange> slots_to_count(const LookRequest& request) {
    const Snapshot* previous = request.previous.get();
    const bool matters = previous != nullptr && request.seen.record && previous->record &&
                         request.seen.record->state == RecordState::formed &&
                         request.seen.standing.leading;
    if (!matters) {
        return {};
    }
    const reconcilers::Topology topology = reconcilers::topology_of(*previous);
    return topology.where.empty() || !topology.whole() ? std::vector<SlotRange>{}
                                                       : topology.unowned.ranges();
}

std::vector<observe::SurveyTarget> targets(const LookRequest& request) {
    std::vector<observe::SurveyTarget> list;
    const Standing& standing = request.seen.standing;
    const std::vector<SlotRange> count = slots_to_count(request);
    for (const auto& [id, instance] : observe::roster(request.seen, request.previous.get())) {
        if (is_asked(request.seen, instance)) {
            const bool sweep = standing.leading && instance.swept != standing.epoch;
            list.push_back(observe::SurveyTarget{id, *instance.address, sweep, count});
        }
    }
    return list;
}

/// Without the password, or the files of TLS, nobody can be asked; the reason is every instance's.
std::vector<observe::SurveyAnswer> refuse_all(const std::vector<observe::SurveyTarget>& asked,
                                              const std::string& why) {
    const bool is_about_tls = why.starts_with("tls.");  // The field of the spec.
    const Contact contact = is_about_tls ? Contact::untrusted : Contact::auth_failed;
    std::vector<observe::SurveyAnswer> answers;
    for (const auto& target : asked) {
        answers.push_back(observe::SurveyAnswer{target.id, target.at, contact, why, {}});
    }
    return answers;
}

}  // namespace

std::string looking_name(const InstallationId& installation) {
    return "redis-operator-looks:" + installation.value();
}

asio::awaitable<SnapshotPtr> look(Ports ports, LookRequest request) {
    std::vector<observe::SurveyTarget> asked = targets(request);
    if (request.access.has_error()) {
        request.seen.answers = refuse_all(asked, request.access.error().what);
    } else {
        observe::SurveyRequest survey;
        survey.targets = std::move(asked);
        survey.access = request.access.value();
        survey.connection_name = request.connection_name;
        survey.deadline = request.redis_deadline;
        request.seen.answers = co_await observe::survey(ports.redis, std::move(survey));
    }
    request.seen.now = ports.time->now();
    request.seen.wall = ports.time->wall();
    co_return observe::build_snapshot(request.previous.get(), std::move(request.seen));
}

}  // namespace rop::loop

#include "test/support/drawn_facts.hpp"

#include <algorithm>
#include <array>

#include "api/duration.hpp"
#include "test/support/topology.hpp"

namespace rop::testing {
namespace {

constexpr std::size_t node_id_length = 40;
constexpr std::uint64_t spec_index = 40;
constexpr std::uint64_t record_index = 50;

bool is_node_id(std::string_view text) {
    return text.size() == node_id_length &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string value_of(const std::string& word) {
    const auto equals = word.find('=');
    return equals == std::string::npos ? std::string{} : word.substr(equals + 1);
}

Consent consent_of(const std::string& word) {
    for (const auto consent :
         {Consent::few_primaries, Consent::no_replicas, Consent::tight_memory, Consent::adopt}) {
        if (to_string(consent) == word) {
            return consent;
        }
    }
    not_understood("consent", word);
}

void apply_spec_word(const std::string& word, Timestamp wall, ClusterSpec& spec) {
    if (word == "no-nomad") {
        spec.nomad.reset();
    } else if (word == "scale=no" && spec.nomad) {
        spec.nomad->scale = ScaleRule::no;
    } else if (word == "scale=follow" && spec.nomad) {
        spec.nomad->scale = ScaleRule::follow;
    } else if (word == "paused") {
        spec.paused_until = wall + std::chrono::hours(1);
    } else if (word.starts_with("spread=")) {
        spec.spread = value_of(word);
    } else if (word.starts_with("timeout=")) {
        spec.failover.node_timeout = drawn_duration(value_of(word));
    } else if (word.starts_with("shard-loss=")) {
        spec.failover.on_shard_loss = value_of(word);
    } else if (word.starts_with("allow=")) {
        for (const auto& consent : split(value_of(word), ',')) {
            spec.allow.insert(consent_of(consent));
        }
    } else {
        not_understood("word of a spec", word);
    }
}

/// "3x1 no-nomad"
ClusterSpec spec_of(const DrawnFact& fact, Timestamp wall) {
    const auto counts = split(fact.rest.front(), 'x');
    if (counts.size() != 2) {
        not_understood("spec", fact.rest.front());
    }
    ClusterSpec spec = testing::spec(static_cast<std::uint32_t>(number_of(counts[0])),
                                     static_cast<std::uint32_t>(number_of(counts[1])));
    for (std::size_t i = 1; i < fact.rest.size(); ++i) {
        apply_spec_word(fact.rest[i], wall, spec);
    }
    return spec;
}

std::optional<SpecOffer> offer_of(const Drawing& drawing, const ClusterSpec& in_force,
                                  Timestamp wall) {
    SpecOffer offer{
        .modify_index = spec_index, .create_index = spec_index, .spec = in_force, .problems = {}};
    const DrawnFact* fact = drawing.find("offer");
    if (fact == nullptr) {
        return offer;
    }
    if (fact->rest.front() == "none") {
        return std::nullopt;
    }
    offer.modify_index = spec_index + 1;
    if (fact->rest.front() == "bad") {
        offer.spec.reset();
        offer.problems.push_back({"$.primaries", "-1", "1 to 500", ""});
    } else if (fact->rest.front() == "conflict") {
        offer.conflict = "another cluster has the service redis-cache";
    } else {
        offer.spec = spec_of(*fact, wall);
    }
    return offer;
}

std::map<InstanceId, Member> members_of(const Drawing& drawing, const std::string& list) {
    std::map<InstanceId, Member> members;
    for (const auto& word : split(list, ',')) {
        const auto parts = split(word, '=');
        const std::string& node = parts.size() == 2 ? parts[1] : parts[0];
        const NodeId id = parts.size() == 2 ? (is_node_id(node) ? NodeId{node} : node_of(node))
                                            : drawn_id(drawing, node);
        members[InstanceId{parts[0]}] = Member{id};
    }
    return members;
}

std::string all_members(const Drawing& drawing) {
    std::string list;
    for (const auto& node : drawing.nodes) {
        if (node.kind != DrawnKind::blank && !node.is_foreign) {
            list += node.name + ",";
        }
    }
    return list;
}

/// "a:0-5460,9000:d,g"
ShardLayout shard_of(const std::string& word) {
    const auto parts = split(word, ':');
    if (parts.size() < 2 || parts.size() > 3) {
        not_understood("shard of a layout", word);
    }
    std::string slots = parts[1];
    std::replace(slots.begin(), slots.end(), ',', ' ');
    const auto parsed = SlotSet::parse(slots);
    if (parsed.has_error()) {
        not_understood("slots of a layout", word);
    }
    ShardLayout shard{InstanceId{parts[0]}, parsed.value().ranges(), {}};
    for (const auto& replica : parts.size() == 3 ? split(parts[2], ',') : split("", ',')) {
        shard.replicas.emplace_back(replica);
    }
    return shard;
}

RecordState state_of(const std::string& word) {
    for (const auto state : {RecordState::accepted, RecordState::forming, RecordState::formed}) {
        if (to_string(state) == word) {
            return state;
        }
    }
    not_understood("state of a record", word);
}

/// "cluster-node-timeout a,b 10m", "count - 10m"
Correction correction_of(const DrawnFact& line, Timestamp wall) {
    if (line.rest.size() != 3) {
        not_understood("correction", line.rest.front());
    }
    Correction correction{line.rest[0], wall - drawn_duration(line.rest[2]), {}};
    for (const auto& name : split(line.rest[1] == "-" ? "" : line.rest[1], ',')) {
        correction.runs.push_back("run-" + name);
    }
    return correction;
}

std::optional<Record> record_of(const Drawing& drawing, const ClusterSpec& in_force,
                                const Snapshot& seen) {
    const DrawnFact* fact = drawing.find("record");
    if (fact == nullptr) {
        return std::nullopt;
    }
    Record record;
    record.state = state_of(fact->rest.front());
    record.spec = in_force;
    record.spec_index = spec_index;
    record.installation = seen.standing.installation;
    record.epoch = Epoch{1};
    std::string members = record.state == RecordState::accepted ? "" : all_members(drawing);
    for (std::size_t i = 1; i < fact->rest.size(); ++i) {
        const std::string& word = fact->rest[i];
        if (word.starts_with("epoch=")) {
            record.epoch = Epoch{number_of(value_of(word))};
        } else if (word.starts_with("timeout=")) {
            record.node_timeout_found = drawn_duration(value_of(word));
        } else {
            members = word;
        }
    }
    record.members = members_of(drawing, members);
    for (const auto& line : drawing.facts) {
        if (line.keyword == "layout") {
            for (const auto& word : line.rest) {
                record.layout.push_back(shard_of(word));
            }
        } else if (line.keyword == "former") {
            const bool ahead = line.rest.size() > 2 && line.rest[1] == "ahead";
            const auto span = drawn_duration(line.rest.size() > 1 ? line.rest.back() : "0ms");
            const auto age = ahead ? -span : span;
            record.former.push_back({drawn_id(drawing, line.rest.front()), seen.wall - age});
        } else if (line.keyword == "corrected") {
            record.corrections.push_back(correction_of(line, seen.wall));
        }
    }
    return record;
}

GroupFacts group_of(const Drawing& drawing, const ClusterSpec& in_force) {
    GroupFacts group;
    group.job_exists = true;
    group.count = static_cast<std::uint32_t>(
        drawn_number(drawing, "nomad-count", in_force.instances_wanted()));
    group.job_modify_index = 77;
    if (const DrawnFact* fact = drawing.find("nomad-job")) {
        const std::string& word = fact->rest.front();
        if (word != "missing" && word != "stopped" && word != "deploying") {
            not_understood("state of the job", word);
        }
        group.job_exists = word != "missing";
        group.stopped = word == "stopped";
        group.deployment_active = word == "deploying";
    }
    return group;
}

View& view_of(Snapshot& seen, const std::string& word) {
    if (word != "consul" && word != "nomad") {
        not_understood("view", word);
    }
    return word == "consul" ? seen.consul : seen.nomad;
}

void apply_views(const Drawing& drawing, Snapshot& seen) {
    for (const auto& fact : drawing.facts) {
        if (fact.keyword == "uncertain" || fact.keyword == "unseen") {
            View& view = view_of(seen, fact.rest.front());
            view.certain = false;
            view.seen = fact.keyword == "uncertain";
            view.why = view.seen ? "no answer for 30s" : "no answer yet";
            for (std::size_t i = 1; i < fact.rest.size(); ++i) {
                view.why = (i == 1 ? "" : view.why + " ") + fact.rest[i];
            }
        } else if (fact.keyword == "absence") {
            seen.absences[InstanceId{fact.rest.front()}] =
                Absence{seen.now - std::chrono::seconds(10),
                        fact.rest.size() > 1 && fact.rest[1] == "confirmed"};
        } else if (fact.keyword == "setback") {
            seen.setbacks[fact.rest[0]] =
                Setback{static_cast<std::uint32_t>(number_of(fact.rest[1])), "it failed",
                        seen.now + std::chrono::seconds(5)};
        }
    }
}

void refuse_what_would_be_ignored(const Drawing& drawing) {
    std::map<std::string, int> lines;
    for (const auto& fact : drawing.facts) {
        const bool repeats = fact.keyword == "former" || fact.keyword == "corrected" ||
                             fact.keyword == "absence" || fact.keyword == "setback" ||
                             fact.keyword == "uncertain" || fact.keyword == "unseen" ||
                             fact.keyword == "layout";
        if (++lines[fact.keyword] > 1 && !repeats) {
            not_understood("second line of", fact.keyword);
        }
        const bool takes_nothing =
            fact.keyword == "records-unknown" || fact.keyword == "not-leading";
        if (fact.rest.empty() && !takes_nothing) {
            not_understood("empty line of", fact.keyword);
        }
        const bool needs_record =
            fact.keyword == "former" || fact.keyword == "layout" || fact.keyword == "corrected";
        if (needs_record && drawing.find("record") == nullptr) {
            not_understood("line without a record", fact.keyword);
        }
        if (fact.keyword == "setback" && fact.rest.size() != 2) {
            not_understood("setback", fact.rest.front());
        }
    }
    for (const auto& opinion : drawing.opinions) {
        if (drawing.node(opinion.viewer) == nullptr) {
            not_understood("viewer", opinion.viewer);
        }
    }
}

}  // namespace

Snapshot drawn_surroundings(const Drawing& drawing) {
    refuse_what_would_be_ignored(drawing);
    Snapshot seen;
    seen.revision = Revision{1};
    seen.cluster = ClusterName{"cache"};
    seen.now = Moment{std::chrono::seconds(1'000)};
    seen.wall = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + std::chrono::hours(9);
    seen.standing.leading = drawing.find("not-leading") == nullptr;
    seen.standing.epoch = Epoch{drawn_number(drawing, "epoch", 1)};
    seen.standing.installation = InstallationId{"inst"};
    seen.standing.leader = "us";
    if (const DrawnFact* fact = drawing.find("not-leading")) {
        seen.standing.leader = fact->rest.empty() ? "" : fact->rest.front();
    }
    const DrawnFact* fact = drawing.find("spec");
    const ClusterSpec in_force = fact == nullptr ? spec(3, 1) : spec_of(*fact, seen.wall);
    seen.offer = offer_of(drawing, in_force, seen.wall);
    seen.record = record_of(drawing, in_force, seen);
    seen.record_index = seen.record ? record_index : 0;
    seen.last_changed = seen.now - std::chrono::seconds(3);
    if (const DrawnFact* changed = drawing.find("changed")) {
        seen.last_changed = seen.now - drawn_duration(changed->rest.front());
    }
    if (const DrawnFact* claimed = drawing.find("claimed")) {
        for (const auto& name : claimed->rest) {
            seen.claimed.emplace(drawn_id(drawing, name), ClusterName{"other"});
        }
    }
    seen.records_known = drawing.find("records-unknown") == nullptr;
    const View fine{.configured = true, .seen = true, .certain = true, .why = "", .at = seen.now};
    seen.consul = fine;
    if (in_force.nomad) {
        seen.nomad = fine;
        seen.group = group_of(drawing, in_force);
    }
    apply_views(drawing, seen);
    return seen;
}

NodeId drawn_id(const Drawing& drawing, const std::string& name) {
    const DrawnNode* node = drawing.node(name);
    const std::string id = node == nullptr ? name : node->get("node", name);
    return is_node_id(id) ? NodeId{id} : node_of(id);
}

std::chrono::milliseconds drawn_duration(const std::string& text) {
    const auto duration = parse_duration(text);
    if (duration.has_error()) {
        not_understood("duration", text);
    }
    return duration.value();
}

std::uint64_t drawn_number(const Drawing& drawing, std::string_view keyword,
                           std::uint64_t otherwise) {
    const DrawnFact* fact = drawing.find(keyword);
    return fact == nullptr ? otherwise : number_of(fact->rest.front());
}

NodeId node_of(std::string_view name) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (name.size() == 1 && digits.find(name.front()) != std::string_view::npos) {
        return NodeId{std::string(node_id_length, name.front())};
    }
    std::string id;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        id += {digits[byte >> 4U], digits[byte & 15U]};
    }
    if (name.size() == 1) {
        for (const std::string once = id; id.size() < node_id_length;) {
            id += once;
        }
    }
    // No letter of a name is coded as ff, so that longer names never collide.
    id.resize(node_id_length, 'f');
    return NodeId{id};
}

ClusterSpec spec(std::uint32_t primaries, std::uint32_t replicas_per_primary) {
    ClusterSpec spec;
    spec.name = ClusterName{"cache"};
    spec.primaries = primaries;
    spec.replicas_per_primary = replicas_per_primary;
    spec.service = "redis-cache";
    spec.nomad = NomadTarget{.job = "redis-cache", .group = "redis"};
    return spec;
}

}  // namespace rop::testing

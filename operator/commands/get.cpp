#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/json/status_json.hpp"
#include "operator/commands/commands.hpp"
#include "operator/commands/shown.hpp"

namespace rop::commands {
namespace {

std::vector<Cell> row_of(const Stored& stored, Timestamp now) {
    const ClusterStatus status = shown_status(stored);
    std::size_t replicas = 0;
    for (const auto& shard : status.shards) {
        for (const auto& replica : shard.replicas) {
            replicas += replica.in_sync ? 1 : 0;
        }
    }
    const std::uint32_t wanted = status.primaries_wanted * status.replicas_per_primary_wanted;
    const bool counts_known = status.primaries_wanted > 0;
    const auto out_of = [&](std::size_t have, std::uint32_t want) {
        return counts_known ? std::to_string(have) + "/" + std::to_string(want) : std::string();
    };
    std::vector<Cell> row;
    row.emplace_back(stored.name.value());
    row.emplace_back(status.mode);
    row.emplace_back(out_of(status.shards.size(), status.primaries_wanted));
    row.emplace_back(out_of(replicas, wanted));
    row.emplace_back(std::to_string(status.slots_served));
    row.emplace_back(to_string(status.phase), paint_of(status.phase));
    row.emplace_back(status.reason);
    row.emplace_back(age(formed_since(status), now));
    return row;
}

bool is_fine(const Stored& stored) {
    return stored.status_is_current() && stored.status->phase == Phase::ready;
}

std::string as_json(const std::vector<const Stored*>& clusters, bool one) {
    std::string text;
    for (const auto* stored : clusters) {
        text += text.empty() ? "" : ",";
        text += json::write_status(shown_status(*stored));
    }
    return one ? text + "\n" : "[" + text + "]\n";
}

std::string as_table(const std::vector<const Stored*>& clusters, Style style, Timestamp now) {
    std::vector<std::vector<Cell>> rows{
        {"NAME", "MODE", "PRIMARIES", "REPLICAS", "SLOTS", "PHASE", "REASON", "AGE"}};
    for (const auto* stored : clusters) {
        rows.push_back(row_of(*stored, now));
    }
    return draw_table(rows, style);
}

Outcome show(const Toolbox& tools, const GetRequest& request,
             const std::vector<const Stored*>& clusters, const LeaderSeen& leader) {
    Outcome outcome;
    if (tools.format == Format::json) {
        outcome.out = as_json(clusters, request.name.has_value());
    } else if (clusters.empty()) {
        outcome.err =
            "No cluster is declared (or this Consul token may not read them).\n"
            "next: redis-operator apply FILE declares one\n";
    } else {
        outcome.out = as_table(clusters, tools.style, tools.time->wall());
    }
    if (!leader.alive && !clusters.empty()) {
        Timestamp newest{};
        for (const auto* stored : clusters) {
            newest = std::max(newest, stored->status ? stored->status->updated_at : Timestamp{});
        }
        const NobodyLeads nobody = nobody_leads(leader, newest, tools.time->wall());
        outcome.err += "note: " + nobody.what + "; what is shown is what the last leader saw\n" +
                       "next: " + nobody.next + "\n";
    }
    if (request.check) {
        bool fine = leader.alive && !clusters.empty();
        for (const auto* stored : clusters) {
            fine = fine && is_fine(*stored);
        }
        outcome.code = fine ? ExitCode::done : ExitCode::not_so;
    }
    return outcome;
}

}  // namespace

Answering get(Toolbox tools, GetRequest request) {
    auto leader = co_await tools.store.leader();
    if (leader.has_error()) {
        co_return failure(leader.error(), look_at_consul);
    }
    if (request.name) {
        auto found = co_await tools.store.one(*request.name);
        if (found.has_error()) {
            co_return failure(found.error(), look_at_consul);
        }
        if (!found.value().declared) {
            co_return not_declared(found.value());
        }
        const std::vector<const Stored*> only(1, &found.value());
        co_return show(tools, request, only, leader.value());
    }
    auto all = co_await tools.store.all();
    if (all.has_error()) {
        co_return failure(all.error(), look_at_consul);
    }
    std::vector<const Stored*> declared;
    for (const auto& [name, stored] : all.value()) {
        if (stored.declared) {
            declared.push_back(&stored);
        }
    }
    co_return show(tools, request, declared, leader.value());
}

}  // namespace rop::commands

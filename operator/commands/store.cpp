#include "operator/commands/store.hpp"

#include <algorithm>
#include <utility>

#include "api/json/record_json.hpp"
#include "api/json/spec_json.hpp"
#include "api/json/status_json.hpp"
#include "operator/commands/table.hpp"
#include "operator/loop/documents.hpp"
#include "operator/loop/lock_value.hpp"

namespace rop::commands {
namespace {

using boost::asio::awaitable;
using ports::BlockingQuery;
using ports::KvEntry;

/// Keeps what a parser made of one key, or notes that the key is damaged.
template <class T, class Target>
void keep(Result<T> parsed, Target& target, Stored& into) {
    if (parsed.has_value()) {
        target = std::move(parsed).value();
    } else {
        into.damaged.push_back(parsed.error().what);
    }
}

void read_entry(const KvEntry& entry, std::string_view part, Stored& into) {
    if (part == "spec") {
        json::SpecParse parse = json::parse_spec(entry.value, into.name.value());
        into.declared = true;
        into.spec_index = entry.modify_index;
        into.spec_created = entry.create_index;
        into.spec = std::move(parse.spec);
        into.problems = std::move(parse.problems);
    } else if (part == "record") {
        into.record_index = entry.modify_index;
        keep(json::parse_record(entry.value), into.record, into);
    } else if (part == "status") {
        keep(json::parse_status(entry.value), into.status, into);
    } else if (part == "events") {
        keep(json::parse_events(entry.value), into.events, into);
    }
}

/// People know the host.
std::string leader_name(const std::string& value) {
    const auto holder = loop::parse_lock_value(value);
    if (!holder) {
        return "an unnamed operator";
    }
    return holder->host.empty() ? holder->instance : holder->host;
}

}  // namespace

std::string Store::key(const ClusterName& name, std::string_view part) const {
    return prefix_ + "clusters/" + name.value() + "/" + std::string(part);
}

Error Store::explained(const Error& error) const {
    const std::string at = "Consul at " + address_;
    constexpr std::string_view next = "; next: ";
    if (const auto step = error.what.find(next); step != std::string::npos) {
        return Error{error.kind, at + ": " + error.what.substr(0, step) +
                                     "\nnext: " + error.what.substr(step + next.size())};
    }
    switch (error.kind) {
        case ErrorKind::unavailable:
            return Error{error.kind, at + " does not answer: " + error.what +
                                         "\nnext: is an agent running there? CONSUL_HTTP_ADDR or "
                                         "--consul-address says where it is"};
        case ErrorKind::denied:
            return Error{error.kind,
                         at + " refuses: " + error.what +
                             "\nnext: CONSUL_HTTP_TOKEN or --consul-token-file must give a token "
                             "that may use keys below " +
                             prefix_};
        case ErrorKind::malformed:
            return Error{error.kind, at + " answers what Consul would not: " + error.what +
                                         "\nnext: check that CONSUL_HTTP_ADDR is Consul's HTTP "
                                         "port, 8500 by default"};
        case ErrorKind::cancelled:
        case ErrorKind::rejected:
        case ErrorKind::fenced:
            break;
    }
    return Error{error.kind, at + ": " + error.what +
                                 "\nnext: look at the log of that agent; consul operator raft "
                                 "list-peers tells whether Consul has a leader"};
}

Store::Answer<std::map<ClusterName, Stored>> Store::all() const {
    auto page = co_await consul_->kv_list(prefix_ + "clusters/", BlockingQuery());
    if (page.has_error()) {
        co_return explained(page.error());
    }
    std::map<ClusterName, Stored> clusters;
    const std::size_t start = prefix_.size() + std::string_view("clusters/").size();
    for (const auto& entry : page.value().value) {
        const std::string rest = entry.key.substr(std::min(start, entry.key.size()));
        const std::size_t slash = rest.find('/');
        if (slash == std::string::npos || !loop::is_cluster_name(rest.substr(0, slash))) {
            continue;
        }
        const ClusterName name(rest.substr(0, slash));
        Stored& stored = clusters[name];
        stored.name = name;
        read_entry(entry, rest.substr(slash + 1), stored);
    }
    co_return clusters;
}

Store::Answer<StoredCluster> Store::one(ClusterName name, BlockingQuery query) const {
    const std::string folder = key(name, "");
    auto page = co_await consul_->kv_list(folder, query);
    if (page.has_error()) {
        co_return explained(page.error());
    }
    StoredCluster found;
    found.cluster.name = std::move(name);
    found.index = page.value().index;
    for (const auto& entry : page.value().value) {
        if (entry.key.starts_with(folder)) {
            read_entry(entry, std::string_view(entry.key).substr(folder.size()), found.cluster);
        }
    }
    co_return found;
}

Store::Answer<Stored> Store::one(ClusterName name) const {
    const BlockingQuery at_once;
    ROP_CO_TRY(StoredCluster found, co_await one(std::move(name), at_once));
    co_return std::move(found.cluster);
}

Store::Answer<LeaderSeen> Store::leader() const {
    const std::string lock = prefix_ + "leader";
    auto page = co_await consul_->kv_get(lock, BlockingQuery());
    if (page.has_error()) {
        co_return explained(page.error());
    }
    LeaderSeen seen;
    const auto& entry = page.value().value;
    if (entry && !entry->session.empty()) {
        seen.alive = true;
        seen.name = leader_name(entry->value);
        co_return seen;
    }
    // Only for what is said: who may not read services learns less.
    const BlockingQuery at_once;
    auto operators = co_await consul_->health(service_, at_once);
    if (operators.has_value()) {
        for (const auto& one : operators.value().value) {
            if (one.status == "passing") {
                seen.standing_by.push_back(one.node);
            }
        }
    }
    co_return seen;
}

Store::Answer<ports::TxnAnswer> Store::change(std::vector<ports::TxnOp> operations) const {
    auto answer = co_await consul_->txn(std::move(operations));
    if (answer.has_error()) {
        co_return explained(answer.error());
    }
    co_return std::move(answer).value();
}

std::optional<Error> Store::missing_right(const ports::TxnAnswer& answer) const {
    if (answer.applied || answer.errors.empty() ||
        answer.errors.front().find("denied") == std::string::npos) {
        return std::nullopt;
    }
    return Error{
        ErrorKind::denied,
        "Consul at " + address_ + " refuses to write below " + prefix_ +
            "clusters/: " + printable(answer.errors.front()) +
            "\nnext: give a token whose policy has key_prefix \"" + prefix_ +
            "clusters/\" { policy = \"write\" }, by CONSUL_HTTP_TOKEN or --consul-token-file"};
}

}  // namespace rop::commands

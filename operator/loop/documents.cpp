#include "operator/loop/documents.hpp"

#include <algorithm>
#include <utility>

#include "api/json/record_json.hpp"
#include "api/json/spec_json.hpp"
#include "api/json/status_json.hpp"
#include "reconcilers/arbitration.hpp"

namespace rop::loop {
namespace {

void read_spec(const ports::KvEntry& entry, const ClusterName& name, Documents& documents) {
    json::SpecParse parse = json::parse_spec(entry.value, name.value());
    SpecOffer offer;
    offer.modify_index = entry.modify_index;
    offer.create_index = entry.create_index;
    offer.spec = std::move(parse.spec);
    offer.problems = std::move(parse.problems);
    documents.offer = std::move(offer);
}

void read_record(const ports::KvEntry& entry, Documents& documents) {
    documents.record_index = entry.modify_index;
    auto record = json::parse_record(entry.value);
    if (record.has_value()) {
        documents.record = std::move(record).value();
    } else {
        documents.record_problem = record.error().what;
    }
}

void read_key(const ports::KvEntry& entry, std::string_view key, const ClusterName& name,
              Documents& documents) {
    if (key == "spec") {
        read_spec(entry, name, documents);
    } else if (key == "record") {
        read_record(entry, documents);
    } else if (key == "events") {
        auto events = json::parse_events(entry.value);
        if (events.has_value()) {  // Damaged events are only lost, not in the way.
            documents.events = std::move(events).value();
        }
    } else if (key == "status") {
        documents.status_index = entry.modify_index;
        auto status = json::parse_status(entry.value);
        if (status.has_value()) {
            documents.status = std::move(status).value();
        }
    }
}

/// The spec that would be acted on: the offered one when it is sound, else the accepted one.
const ClusterSpec* wanted_spec(const Documents& documents) {
    if (!documents.offer) {
        return nullptr;
    }
    if (documents.offer->spec && documents.offer->problems.empty()) {
        return &*documents.offer->spec;
    }
    return documents.record ? &documents.record->spec : nullptr;
}

void settle_conflicts(Catalogue& catalogue) {
    std::vector<reconcilers::Claim> claims;
    for (const auto& [name, documents] : catalogue.clusters) {
        if (const ClusterSpec* spec = wanted_spec(documents)) {
            const bool may_have_members = !documents.record_problem.empty();
            const bool has_members = documents.record && !documents.record->members.empty();
            claims.push_back(reconcilers::Claim{name, *spec, documents.offer->create_index,
                                                has_members || may_have_members});
        }
    }
    for (auto& [name, why] : reconcilers::arbitrate(claims)) {
        catalogue.clusters[name].offer->conflict = why;
    }
}

}  // namespace

bool Documents::same_wish(const Documents& other) const {
    const auto index = [](const Documents& d) { return d.offer ? d.offer->modify_index : 0; };
    const auto conflict = [](const Documents& d) {
        return d.offer ? d.offer->conflict : std::string{};
    };
    return index(*this) == index(other) && conflict(*this) == conflict(other) &&
           record_index == other.record_index;
}

bool is_cluster_name(std::string_view text) {
    constexpr std::size_t size_max = 63;
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= size_max && is_plain(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return is_plain(c) || c == '-'; });
}

Catalogue read_documents(const std::vector<ports::KvEntry>& entries, std::string_view prefix) {
    Catalogue catalogue;
    const std::string root = std::string(prefix) + "clusters/";
    for (const auto& entry : entries) {
        if (!entry.key.starts_with(root)) {
            continue;
        }
        const std::string_view rest = std::string_view(entry.key).substr(root.size());
        const auto slash = rest.find('/');
        const std::string_view text = rest.substr(0, slash);
        if (slash == std::string_view::npos || !is_cluster_name(text)) {
            if (!rest.empty()) {
                catalogue.refused.emplace_back(entry.key);
            }
            continue;
        }
        const ClusterName name{std::string(text)};
        read_key(entry, rest.substr(slash + 1), name, catalogue.clusters[name]);
    }
    settle_conflicts(catalogue);
    return catalogue;
}

}  // namespace rop::loop

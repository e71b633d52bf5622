#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/record.hpp"
#include "api/snapshot.hpp"
#include "api/status.hpp"
#include "operator/ports/consul.hpp"

namespace rop::loop {

/// What Consul KV holds about one cluster.
struct Documents {
    std::optional<SpecOffer> offer;  // Absent: no spec key (deleted, or never there).
    std::optional<Record> record;
    std::uint64_t record_index = 0;
    std::string record_problem;  // The record cannot be read: nothing may be done.
    std::vector<Event> events;
    std::optional<ClusterStatus> status;  // As last published, by whoever led then.
    std::uint64_t status_index = 0;       // 0: there is none.

    /// Whether something changed that a round must look at (not the status we wrote ourselves).
    [[nodiscard]] bool same_wish(const Documents& other) const;
};

/// Reads every key below `prefix` + "clusters/". Names that are not allowed are skipped: `refused`
/// has them. Conflicts between specs are part of the offers.
struct Catalogue {
    std::map<ClusterName, Documents> clusters;
    std::vector<std::string> refused;
};
[[nodiscard]] Catalogue read_documents(const std::vector<ports::KvEntry>& entries,
                                       std::string_view prefix);

/// `[a-z0-9][a-z0-9-]{0,62}`
[[nodiscard]] bool is_cluster_name(std::string_view text);

}  // namespace rop::loop

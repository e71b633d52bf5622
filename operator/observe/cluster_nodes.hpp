#pragma once

#include <string_view>
#include <vector>

#include "api/base/result.hpp"
#include "api/snapshot.hpp"

namespace rop::observe {

/// Reads the reply to CLUSTER NODES of Redis 7.0 to 8 and Valkey 8 and 9. Total and bounded (no
/// more than 16,384 rows): anything that is not such a reply is a `malformed` error which names
/// the line. Whether the rows make sense together is for the caller to judge.
[[nodiscard]] Result<std::vector<TableRow>> parse_cluster_nodes(std::string_view reply);

}  // namespace rop::observe

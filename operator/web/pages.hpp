#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/ids.hpp"
#include "api/plan.hpp"
#include "api/snapshot.hpp"
#include "api/status.hpp"

namespace rop::web {

/// What this operator knows, as its pages show it.
struct View {
    struct Cluster {
        std::shared_ptr<const ClusterStatus> status;  // Null until the first round.
        std::shared_ptr<const Plan> plan;             // Null until the first round.
    };
    Standing standing;
    std::string not_ready;  // Empty: ready. Else what is missing, in words.
    std::map<ClusterName, Cluster> clusters;
};

struct Request {
    std::string method;           // As written: "GET".
    std::string target;           // Path and query.
    std::string authorization{};  // That header; secret.
};

struct Response {
    unsigned status = 200;
    std::string content_type;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Where the answers come from; asked once per request, and only for what the page shows.
struct Source {
    std::function<View()> view;
    std::function<std::string()> metrics;  // Prometheus' text format.
};

/// The whole HTTP contract (docs/reference/http.md), read-only. A HEAD is answered like a GET: the
/// server leaves the body out.
[[nodiscard]] Response answer(const Request& request, const Source& source);

}  // namespace rop::web

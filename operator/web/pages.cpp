#include "operator/web/pages.hpp"

#include <algorithm>
#include <string_view>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "api/json/status_json.hpp"

namespace rop::web {
namespace {

constexpr std::string_view clusters_path = "/v1/clusters";

Response text(unsigned status, std::string body) {
    return Response{status, "text/plain; charset=utf-8", std::move(body), {}};
}

Response json(unsigned status, std::string body) {
    body += '\n';
    return Response{status, "application/json", std::move(body), {}};
}

Response problem(unsigned status, std::string_view error, std::string_view next_step) {
    return json(status,
                boost::json::serialize(boost::json::value{{"error", error}, {"next", next_step}}));
}

/// What may stand in a header: others' words reach it (a host's name, an error's text).
std::string header_safe(std::string value) {
    std::replace_if(
        value.begin(), value.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return value.substr(0, 256);
}

/// Who leads, and whether what is shown can be trusted to be current, with every page of clusters.
Response with_standing(Response response, const View& view) {
    response.headers.emplace_back("Redis-Operator-Leader", header_safe(view.standing.leader));
    response.headers.emplace_back("Redis-Operator-Leading", view.standing.leading ? "yes" : "no");
    if (!view.not_ready.empty()) {
        response.headers.emplace_back("Redis-Operator-Not-Ready", header_safe(view.not_ready));
    }
    return response;
}

std::string who_leads(const Standing& standing) {
    if (standing.leader.empty()) {
        return "nobody leads";
    }
    const std::string where = standing.leading ? " (this operator)" : " (this one stands by)";
    return "leader " + standing.leader + where + ", epoch " +
           std::to_string(standing.epoch.value());
}

Response ready_page(const View& view) {
    if (!view.not_ready.empty()) {
        return text(503, "not ready: " + view.not_ready + "\n" + who_leads(view.standing) + "\n");
    }
    return text(200, "ready\n" + who_leads(view.standing) + "\n");
}

Response not_seen_yet(const ClusterName& name, std::string_view what) {
    Response response = problem(503, "no " + std::string(what) + " of " + name.value() + " yet",
                                "this operator has not finished its first round; ask again");
    response.headers.emplace_back("Retry-After", "1");
    return response;
}

Response cluster_list(const View& view) {
    std::string body = "[";
    for (const auto& [name, cluster] : view.clusters) {
        if (cluster.status) {
            body += body.size() > 1 ? "," : "";
            body += json::write_status(*cluster.status);
        }
    }
    return json(200, body + "]");
}

Response unknown_cluster(std::string_view name) {
    return problem(404, "no cluster is declared as " + std::string(name),
                   "GET /v1/clusters lists them; redis-operator apply FILE declares one");
}

Response unknown_page(std::string_view path) {
    return problem(404, "there is no page " + std::string(path.substr(0, 200)),
                   "pages: /metrics /healthz /readyz /v1/clusters /v1/clusters/NAME "
                   "/v1/clusters/NAME/plan");
}

/// `rest` is what follows /v1/clusters/.
Response cluster_page(const View& view, std::string_view rest) {
    const std::size_t slash = rest.find('/');
    const ClusterName name{std::string(rest.substr(0, slash))};
    const std::string_view page =
        slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    if (page != "" && page != "plan") {
        return unknown_page(std::string(clusters_path) + "/" + std::string(rest));
    }
    const auto found = view.clusters.find(name);
    if (found == view.clusters.end()) {
        return unknown_cluster(name.value());
    }
    const View::Cluster& cluster = found->second;
    if (page == "plan") {
        return cluster.plan ? json(200, json::write_plan(*cluster.plan))
                            : not_seen_yet(name, "plan");
    }
    return cluster.status ? json(200, json::write_status(*cluster.status))
                          : not_seen_yet(name, "status");
}

}  // namespace

Response answer(const Request& request, const Source& source) {
    if (request.method != "GET" && request.method != "HEAD") {
        Response response =
            problem(405, "this interface is read-only: " + request.method.substr(0, 20),
                    "use GET here, and the redis-operator commands to change something");
        response.headers.emplace_back("Allow", "GET, HEAD");
        return response;
    }
    const std::string_view target = request.target;
    const std::string_view path = target.substr(0, target.find('?'));
    if (path == "/healthz") {
        return text(200, "ok\n");
    }
    if (path == "/metrics") {
        Response response = text(200, source.metrics());
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        return response;
    }
    if (path == "/readyz") {
        return ready_page(source.view());
    }
    if (path == clusters_path || path == "/v1/clusters/") {
        const View view = source.view();
        return with_standing(cluster_list(view), view);
    }
    if (path.starts_with("/v1/clusters/")) {
        const View view = source.view();
        return with_standing(cluster_page(view, path.substr(clusters_path.size() + 1)), view);
    }
    return unknown_page(path);
}

}  // namespace rop::web

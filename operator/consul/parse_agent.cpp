#include <utility>

#include "operator/consul/parse.hpp"
#include "operator/net/json_reader.hpp"

namespace rop::consul {

Result<std::string> parse_session_id(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    std::string id = document->root().at("ID").text();
    ROP_TRY(document->verdict());
    return id;
}

Result<std::vector<ports::AgentService>> parse_agent_services(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    std::vector<ports::AgentService> services;
    for (const auto& field : document->root().elements()) {
        const net::JsonField service = field.at("Service");
        ports::AgentService entry;
        entry.id = service.at("ID").text();
        entry.name = service.at("Service").text();
        entry.status = worst_status("passing", field.at("AggregatedStatus").text());
        entry.meta = service["Meta"].texts();
        services.push_back(std::move(entry));
    }
    ROP_TRY(document->verdict());
    return services;
}

Result<std::string> parse_agent_node(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    std::string name = document->root().at("Config").at("NodeName").text();
    ROP_TRY(document->verdict());
    return name;
}

namespace {

/// In the words of a policy. What ends like a folder, or is all there is, stands for what is below.
std::string rule_of(const std::string& resource, const std::string& access,
                    const std::string& segment) {
    const bool is_prefix = segment.empty() || segment.ends_with('/');
    return resource + (is_prefix ? "_prefix \"" : " \"") + segment + "\" = \"" + access + "\"";
}

}  // namespace

Result<std::optional<std::string>> parse_missing_right(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    std::optional<std::string> missing;
    for (const auto& right : document->root().elements()) {
        if (!right.at("Allow").boolean() && !missing) {
            missing =
                rule_of(right["Resource"].text(), right["Access"].text(), right["Segment"].text());
        }
    }
    ROP_TRY(document->verdict());
    return missing;
}

}  // namespace rop::consul

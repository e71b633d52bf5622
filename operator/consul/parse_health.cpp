#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "operator/consul/parse.hpp"
#include "operator/net/json_reader.hpp"

namespace rop::consul {
namespace {

std::uint16_t port_of(const net::JsonField& field) {
    const std::uint64_t port = field.number();
    if (port > std::numeric_limits<std::uint16_t>::max()) {
        field.note("want a port");
        return 0;
    }
    return static_cast<std::uint16_t>(port);
}

int badness(std::string_view status) {
    return status == "passing" ? 0 : status == "warning" ? 1 : 2;
}

}  // namespace

std::string worst_status(std::string_view left, std::string_view right) {
    switch (std::max(badness(left), badness(right))) {
        case 0:
            return "passing";
        case 1:
            return "warning";
        default:
            return "critical";
    }
}

Result<std::vector<ports::ServiceEntry>> parse_health(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    std::vector<ports::ServiceEntry> entries;
    for (const auto& field : document->root().elements()) {
        const net::JsonField node = field.at("Node");
        const net::JsonField service = field.at("Service");
        ports::ServiceEntry entry;
        entry.node = node.at("Node").text();
        entry.node_address = node["Address"].text();
        entry.datacenter = node["Datacenter"].text();
        entry.node_meta = node["Meta"].texts();
        entry.service_id = service.at("ID").text();
        entry.address = service["Address"].text();
        if (entry.address.empty()) {
            entry.address = entry.node_address;
        }
        entry.port = port_of(service["Port"]);
        entry.meta = service["Meta"].texts();
        entry.modify_index = service["ModifyIndex"].number();
        entry.status = "passing";  // A service without checks is.
        for (const auto& check : field["Checks"].elements()) {
            entry.status = worst_status(entry.status, check.at("Status").text());
            entry.modify_index = std::max(entry.modify_index, check["ModifyIndex"].number());
        }
        entries.push_back(std::move(entry));
    }
    ROP_TRY(document->verdict());
    return entries;
}

}  // namespace rop::consul

#include <utility>

#include "operator/net/json_reader.hpp"
#include "operator/nomad/parse.hpp"

namespace rop::nomad {
namespace {

ports::NomadNode read_node(const net::JsonField& field) {
    ports::NomadNode node;
    node.id = field.at("ID").text();
    node.name = field["Name"].text();
    node.datacenter = field["Datacenter"].text();
    node.status = field.at("Status").text();
    node.draining = field["Drain"].boolean() || !field["DrainStrategy"].is_absent();
    node.eligible = field["SchedulingEligibility"].text() != "ineligible";
    node.meta = field["Meta"].texts();
    node.consul_name = field["Attributes"]["unique.consul.name"].text();
    return node;
}

}  // namespace

Result<std::vector<ports::NomadNode>> parse_nodes(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    std::vector<ports::NomadNode> nodes;
    for (const auto& field : document->root().elements()) {
        nodes.push_back(read_node(field));
    }
    ROP_TRY(document->verdict());
    return nodes;
}

Result<ports::NomadNode> parse_node(std::string_view text) {
    ROP_TRY(const auto document, net::JsonDocument::parse(text));
    ports::NomadNode node = read_node(document->root());
    ROP_TRY(document->verdict());
    return node;
}

}  // namespace rop::nomad

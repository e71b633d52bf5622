// The reply to CLUSTER NODES: bounded rows, each with an id and slots that exist; what was read can
// be written and read again.

#include "operator/observe/cluster_nodes.hpp"

#include <algorithm>
#include <string>

#include "operator/redis/wire_words.hpp"
#include "test/fuzz/target.hpp"

namespace {

using rop::TableRow;
using rop::fuzz::require;

std::string flags_of(const TableRow& row) {
    std::string flags = row.is_primary ? std::string(rop::redis::wire::primary) : "";
    const auto add = [&](bool is_set, std::string_view flag) {
        if (is_set) {
            flags += (flags.empty() ? "" : ",") + std::string(flag);
        }
    };
    add(row.is_self, "myself");
    add(row.is_replica, rop::redis::wire::replica);
    add(row.suspected, "fail?");
    add(row.failed, "fail");
    add(row.in_handshake, "handshake");
    add(!row.has_address, "noaddr");
    add(flags.empty(), "noflags");
    return flags;
}

std::string line_of(const TableRow& row) {
    std::string line = row.id.value() + " " + row.address.host + ":" +
                       std::to_string(row.address.port) + "@" + std::to_string(row.bus_port) + " " +
                       flags_of(row) + " " +
                       (row.primary.value().empty() ? "-" : row.primary.value()) + " 0 0 " +
                       std::to_string(row.config_epoch) + " " +
                       (row.link_connected ? "connected" : "disconnected");
    for (const auto& range : row.slots) {
        line += " " + rop::to_string(range);
    }
    return line + (row.has_open_slots ? " [0->-id]" : "") + "\n";
}

void check(const TableRow& row) {
    require(row.id.value().size() == 40, "an id has 40 digits");
    require(!(row.is_primary && row.is_replica), "nobody has both roles");
    unsigned next = 0;
    for (const auto& range : row.slots) {
        require(range.first.value() >= next && range.first <= range.last, "slots are in order");
        require(range.last.value() < rop::slot_count, "slots exist");
        next = range.last.value() + 1U;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 64 * 1024, .per_byte = 2 * 1024});
    const rop::fuzz::Input input(bytes, size);
    const auto rows = rop::observe::parse_cluster_nodes(input.text());
    if (rows.has_error()) {
        require(rows.error().kind == rop::ErrorKind::malformed, "a bad reply is malformed");
        require(rows.error().what.size() < 300, "an error is a line, not the reply");
        return 0;
    }
    std::string text;
    for (const auto& row : rows.value()) {
        check(row);
        text += line_of(row);
    }
    const auto again = rop::observe::parse_cluster_nodes(text);
    require(again.has_value(), "what was read can be written and read again");
    std::string text_again;
    for (const auto& row : again.value()) {
        text_again += line_of(row);
    }
    require(text_again == text, "and means the same");
    return 0;
}

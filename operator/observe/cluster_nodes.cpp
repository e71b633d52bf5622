// One line of the reply, as Redis writes it (clusterGenNodeDescription in cluster.c):
//
//   id ip:port@cport[,hostname[,...]] flags primary|- ping-sent pong-recv epoch link slots...
//
// Flags that we do not know are passed over, so that a newer server can be read.

#include "operator/observe/cluster_nodes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "operator/redis/wire_words.hpp"

namespace rop::observe {
namespace {

constexpr std::size_t rows_max = 16'384;  // A cluster has no more nodes than slots.
constexpr std::size_t id_length = 40;

/// Takes everything before the next `mark` off the front of `text`.
std::string_view take(std::string_view& text, char mark) {
    const auto end = text.find(mark);
    const std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return word;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

bool is_node_id(std::string_view text) {
    return text.size() == id_length && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

/// What is wrong, or nothing. Each reads one word of a line into the row.
using Problem = std::optional<std::string_view>;

Problem read_address(std::string_view word, TableRow& row) {
    const std::string_view address = word.substr(0, word.find(','));  // The rest is for people.
    const auto at = address.rfind('@');
    const auto colon = address.substr(0, at).rfind(':');  // IPv6 has more of them.
    if (at == std::string_view::npos || colon == std::string_view::npos) {
        return "the address is not ip:port@bus-port";
    }
    const auto port = number<std::uint16_t>(address.substr(colon + 1, at - colon - 1));
    const auto bus_port = number<std::uint16_t>(address.substr(at + 1));
    if (!port || !bus_port) {
        return "no such port";
    }
    row.address.host = address.substr(0, colon);
    row.address.port = *port;
    row.bus_port = *bus_port;
    if (row.address.host.empty() && *port == 0) {
        row.has_address = false;  // ":0@0": never connected.
    }
    return std::nullopt;
}

Problem read_flags(std::string_view word, TableRow& row) {
    if (word.empty()) {
        return "no flags";
    }
    while (!word.empty()) {
        const std::string_view flag = take(word, ',');
        if (flag == "myself") {
            row.is_self = true;
        } else if (flag == redis::wire::primary) {
            row.is_primary = true;
        } else if (flag == redis::wire::replica) {
            row.is_replica = true;
        } else if (flag == "fail?") {
            row.suspected = true;
        } else if (flag == "fail") {
            row.failed = true;
        } else if (flag == "handshake") {
            row.in_handshake = true;
        } else if (flag == "noaddr") {
            row.has_address = false;
        }
    }
    if (row.is_primary && row.is_replica) {
        return "both a primary and a replica";
    }
    return std::nullopt;
}

Problem read_primary(std::string_view word, TableRow& row) {
    if (word == "-") {
        return std::nullopt;
    }
    if (!is_node_id(word)) {
        return "the primary is not a node id";
    }
    row.primary = NodeId{std::string(word)};
    return std::nullopt;
}

Problem read_link(std::string_view word, TableRow& row) {
    row.link_connected = word == "connected";
    if (!row.link_connected && word != "disconnected") {
        return "the link is neither connected nor disconnected";
    }
    return std::nullopt;
}

/// "5-7", "9", and on the own line "[93->-id]" (migrating) and "[77-<-id]" (importing).
Problem read_slots(std::string_view word, TableRow& row) {
    if (word.starts_with('[')) {
        const auto middle = word.find_first_not_of("0123456789", 1);
        const std::string_view arrow =
            middle == std::string_view::npos ? word : word.substr(middle, 3);
        const auto slot = number<std::uint16_t>(word.substr(1, middle - 1));
        if (!slot || *slot >= slot_count || (arrow != "->-" && arrow != "-<-") ||
            !word.ends_with(']')) {
            return "an open slot that cannot be read";
        }
        row.has_open_slots = true;
        return std::nullopt;
    }
    const auto dash = word.find('-');
    const auto first = number<std::uint16_t>(word.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : number<std::uint16_t>(word.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= slot_count) {
        return "no such slots";
    }
    if (!row.slots.empty() && *first <= row.slots.back().last.value()) {
        return "slots that are not in order";
    }
    row.slots.push_back(SlotRange{Slot{*first}, Slot{*last}});
    return std::nullopt;
}

Problem read_line(std::string_view line, TableRow& row) {
    const std::string_view id = take(line, ' ');
    if (!is_node_id(id)) {
        return "it does not begin with a node id";
    }
    row.id = NodeId{std::string(id)};
    if (const Problem problem = read_address(take(line, ' '), row)) {
        return problem;
    }
    if (const Problem problem = read_flags(take(line, ' '), row)) {
        return problem;
    }
    if (const Problem problem = read_primary(take(line, ' '), row)) {
        return problem;
    }
    const auto ping_sent = number<std::int64_t>(take(line, ' '));
    const auto pong_received = number<std::int64_t>(take(line, ' '));
    const auto epoch = number<std::uint64_t>(take(line, ' '));
    if (!ping_sent || !pong_received || !epoch) {
        return "a number is missing";
    }
    row.config_epoch = *epoch;
    if (const Problem problem = read_link(take(line, ' '), row)) {
        return problem;
    }
    while (!line.empty()) {
        if (const Problem problem = read_slots(take(line, ' '), row)) {
            return problem;
        }
    }
    return std::nullopt;
}

Error at_line(std::size_t line_number, std::string_view line, std::string_view problem) {
    constexpr std::size_t shown_max = 120;
    std::string shown(line.substr(0, shown_max));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return Error{ErrorKind::malformed, "line " + std::to_string(line_number) + ": " +
                                           std::string(problem) + ": '" + shown + "'"};
}

}  // namespace

Result<std::vector<TableRow>> parse_cluster_nodes(std::string_view reply) {
    std::vector<TableRow> rows;
    rows.reserve(std::min<std::size_t>(
        rows_max, static_cast<std::size_t>(std::count(reply.begin(), reply.end(), '\n'))));
    while (!reply.empty()) {
        std::string_view line = take(reply, '\n');
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line.empty()) {
            continue;
        }
        if (rows.size() == rows_max) {
            return at_line(rows.size() + 1, line, "more nodes than a cluster can have");
        }
        TableRow& row = rows.emplace_back();
        if (const Problem problem = read_line(line, row)) {
            return at_line(rows.size(), line, *problem);
        }
    }
    return rows;
}

}  // namespace rop::observe

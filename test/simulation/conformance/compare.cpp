#include "test/simulation/conformance/compare.hpp"

#include <algorithm>
#include <cctype>
#include <regex>
#include <sstream>

namespace rop::simulation {

using ports::Reply;
using ports::Words;

namespace {

/// Replaces `from` where it stands alone: 21001 is no part of 121001.
void name(std::string& text, const std::string& from, const std::string& to) {
    const auto is_part = [&](std::size_t at) {
        return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
    };
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
        if ((at > 0 && is_part(at - 1)) || is_part(at + from.size())) {
            ++at;
            continue;
        }
        text.replace(at, from.size(), to);
        at += to.size();
    }
}

void name_facts(const Lab& lab, std::string& text) {
    for (std::size_t i = 1; i <= lab.count(); ++i) {
        const Facts& facts = lab.facts(i);
        const std::string number = std::to_string(i);
        name(text, facts.id, "{id" + number + "}");
        for (std::size_t j = 0; j < facts.former.size(); ++j) {
            name(text, facts.former[j], "{id" + number + " of life " + std::to_string(j) + "}");
        }
        name(text, std::to_string(facts.bus_port), "{bus" + number + "}");
        name(text, std::to_string(facts.port), "{port" + number + "}");
    }
}

std::string plain_fields(const std::string& reply, bool epochs) {
    std::string lines;
    std::istringstream all(reply);
    for (std::string line; std::getline(all, line);) {
        const bool is_epoch = line.find("_epoch:") != std::string::npos;
        if (is_read(line) && (epochs || !is_epoch)) {
            lines += line + "\n";
        }
    }
    return sorted_lines(lines);
}

// id address flags primary ping pong epoch link slots: ping and pong are times. A handshake's id
// is drawn by chance.
std::string plain_nodes(const std::string& reply, bool epochs) {
    static const std::regex times("( \\S+ \\S+ \\S+) [0-9]+ [0-9]+ ([0-9]+)");
    std::string lines;
    std::istringstream all(reply);
    for (std::string line; std::getline(all, line);) {
        if (line.find(' ') != std::string::npos) {
            line = std::regex_replace(line, times, epochs ? "$1 T T $2" : "$1 T T E");
            lines += line.find(" handshake") == std::string::npos ? line : line.substr(40);
            lines += "\n";
        }
    }
    return sorted_lines(lines);
}

/// Connections that have a name: of the others there are different ones on both sides.
std::string plain_clients(const std::string& reply) {
    static const std::regex named(" name=(\\S+) ");
    std::string lines;
    std::istringstream all(reply);
    for (std::string line; std::getline(all, line);) {
        std::smatch found;
        if (std::regex_search(line, found, named)) {
            lines += "name=" + found[1].str() + "\n";
        }
    }
    return sorted_lines(lines);
}

bool is(const Words& words, const char* first, const char* second) {
    return words.size() > 1 && words[0] == first && words[1] == second;
}

}  // namespace

std::string as_resp(const Reply& reply) {
    switch (reply.kind) {
        case Reply::Kind::nil:
            return "$-1\r\n";
        case Reply::Kind::integer:
            return ":" + std::to_string(reply.integer) + "\r\n";
        case Reply::Kind::text:
            return "$" + std::to_string(reply.text.size()) + "\r\n" + reply.text + "\r\n";
        case Reply::Kind::status:
            return "+" + reply.text + "\r\n";
        case Reply::Kind::error:
            return "-" + reply.text + "\r\n";
        case Reply::Kind::array:
            break;
    }
    std::string all = "*" + std::to_string(reply.elements.size()) + "\r\n";
    for (const Reply& element : reply.elements) {
        all += as_resp(element);
    }
    return all;
}

bool is_read(const std::string& line) {
    static const std::regex read(
        "(role|master_host|master_port|master_link_status|master_sync_in_progress|connected_slaves|"
        "cluster_enabled|cluster_state|cluster_slots_.*|cluster_known_nodes|"
        "cluster_current_epoch|cluster_my_epoch|loading|db0):.*");
    return std::regex_match(line, read);
}

std::string sorted_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream all(text);
    for (std::string line; std::getline(all, line);) {
        lines.push_back(line);
    }
    std::ranges::sort(lines);
    std::string sorted;
    for (const std::string& line : lines) {
        sorted += line + "\n";
    }
    return sorted;
}

std::string plain(const Lab& lab, const Words& words, const std::optional<Reply>& reply,
                  bool epochs) {
    if (!reply) {
        return "closed";
    }
    std::string text = as_resp(*reply);
    std::erase(text, '\r');
    if (is(words, "CLUSTER", "NODES")) {
        text = plain_nodes(text, epochs);
    } else if (words[0] == "INFO" || is(words, "CLUSTER", "INFO")) {
        text = plain_fields(text, epochs);
    } else if (is(words, "CLIENT", "LIST")) {
        text = plain_clients(text);
    } else if (is(words, "CONFIG", "GET")) {  // Pairs, in the order of a hash table.
        name_facts(lab, text);
        return sorted_lines(text);
    }
    name_facts(lab, text);
    return is(words, "CLUSTER", "NODES") ? sorted_lines(text) : text;
}

Words words_of(const Lab& lab, const std::string& line) {
    Words words;
    std::istringstream all(line);
    for (std::string word; all >> word;) {
        static const std::regex place("\\{(id|old|port|bus|key)([0-9]+)\\}");
        std::smatch found;
        if (std::regex_match(word, found, place)) {
            const auto number = static_cast<std::size_t>(std::stoul(found[2].str()));
            const std::string what = found[1].str();
            if (what == "key") {
                word = lab.key(static_cast<Key>(number));
            } else {
                const Facts& facts = lab.facts(number);
                word = what == "id"     ? facts.id
                       : what == "port" ? std::to_string(facts.port)
                       : what == "bus"  ? std::to_string(facts.bus_port)
                                        : facts.former.back();
            }
        }
        words.push_back(word);
    }
    return words;
}

const std::vector<Words>& state_questions() {
    static const std::vector<Words> questions{
        {"CLUSTER", "NODES"},
        {"CLUSTER", "INFO"},
        {"INFO", "replication", "cluster", "keyspace"},
        {"CONFIG", "GET", "cluster-node-timeout", "cluster-allow-replica-migration",
         "cluster-port"},
    };
    return questions;
}

}  // namespace rop::simulation

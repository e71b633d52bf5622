#include "test/support/drawing.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <stdexcept>

namespace rop::testing {
namespace {

constexpr std::array fact_keywords{"record",          "corrected",   "layout",  "former",
                                   "absence",         "spec",        "offer",   "nomad-count",
                                   "nomad-job",       "uncertain",   "unseen",  "epoch",
                                   "records-unknown", "hosts",       "counted", "claimed",
                                   "changed",         "not-leading", "setback"};

constexpr std::array node_words{
    "keys",         "epoch",      "timeout",   "run",       "node",        "offset",
    "follows",      "replid",     "link-down", "sync",      "unstreamed",  "state-fail",
    "open-slots",   "engine",     "version",   "known",     "cluster-off", "migration",
    "operators",    "loading",    "refused",   "timed-out", "auth-failed", "untrusted",
    "garbled",      "unasked",    "knows",     "alone",     "handshake",   "fails",
    "suspects",     "failed",     "suspected", "bus-down",  "bus-up",      "host",
    "dc",           "port",       "bus",       "bound",     "nomad",       "desired",
    "disconnected", "terminated", "consul",    "new",       "counted",     "keys-in",
    "unswept",      "last-run",   "last-node", "gone"};

constexpr std::array opinion_words{"failed", "suspected", "ok",     "link-down", "link-up",
                                   "noaddr", "handshake", "absent", "bus",       "epoch"};

template <class Words>
bool is_one_of(const Words& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_name(std::string_view text) {
    return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
               std::string_view::npos;
}

bool looks_like_slots(const std::string& word) {
    return word.find_first_not_of("0123456789-") == std::string::npos;
}

/// Takes "0-100 200" from the front of what is left of a line.
SlotSet take_slots(std::vector<std::string>& rest) {
    std::string text;
    while (!rest.empty() && looks_like_slots(rest.front())) {
        text += rest.front() + " ";
        rest.erase(rest.begin());
    }
    const auto slots = SlotSet::parse(text);
    if (slots.has_error()) {
        not_understood("slots", text);
    }
    return slots.value();
}

std::string take(std::vector<std::string>& rest, const std::string& what) {
    if (rest.empty()) {
        not_understood("a line without", what);
    }
    std::string word = rest.front();
    rest.erase(rest.begin());
    return word;
}

template <class Allowed>
DrawnWords parse_words(const std::vector<std::string>& rest, const Allowed& allowed) {
    DrawnWords words;
    for (const auto& word : rest) {
        const auto equals = word.find('=');
        const std::string key = word.substr(0, equals);
        if (!is_one_of(allowed, key) && !key.starts_with("meta.")) {
            not_understood("word", word);
        }
        words[key] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
    return words;
}

DrawnNode parse_node(const std::string& name, std::vector<std::string> rest) {
    DrawnNode node;
    node.name = name;
    if (!is_name(name)) {
        not_understood("name", name);
    }
    const std::string kind = take(rest, "a kind of node");
    if (kind == "primary") {
        node.kind = DrawnKind::primary;
        node.slots = take_slots(rest);
    } else if (kind == "replica-of") {
        node.kind = DrawnKind::replica;
        node.primary = take(rest, "a primary");
    } else if (kind != "blank") {
        not_understood("kind of node", kind);
    }
    node.words = parse_words(rest, node_words);
    return node;
}

DrawnOpinion parse_opinion(const std::string& viewer, std::vector<std::string> rest) {
    DrawnOpinion opinion;
    opinion.viewer = viewer;
    opinion.node = take(rest, "a node");
    if (!rest.empty() && (rest.front() == "primary" || rest.front() == "unowned")) {
        rest.erase(rest.begin());
        opinion.kind = DrawnKind::primary;
        opinion.slots = take_slots(rest);
    } else if (!rest.empty() && rest.front() == "replica-of") {
        rest.erase(rest.begin());
        opinion.kind = DrawnKind::replica;
        opinion.primary = take(rest, "a primary");
    }
    opinion.words = parse_words(rest, opinion_words);
    return opinion;
}

void parse_line(std::vector<std::string> words, Drawing& drawing) {
    std::string first = take(words, "words");
    if (is_one_of(fact_keywords, first)) {
        drawing.facts.push_back(DrawnFact{first, std::move(words)});
        return;
    }
    if (first.ends_with(':')) {
        first.pop_back();
        drawing.opinions.push_back(parse_opinion(first, std::move(words)));
        return;
    }
    const bool is_foreign = first == "foreign";
    const std::string name = is_foreign ? take(words, "a name") : first;
    DrawnNode node = parse_node(name, std::move(words));
    if (drawing.node(name) != nullptr) {
        not_understood("second line for", name);
    }
    node.is_foreign = is_foreign;
    node.index = drawing.nodes.size();
    drawing.nodes.push_back(std::move(node));
}

}  // namespace

const DrawnFact* Drawing::find(std::string_view keyword) const {
    const auto it = std::find_if(facts.begin(), facts.end(),
                                 [&](const DrawnFact& fact) { return fact.keyword == keyword; });
    return it == facts.end() ? nullptr : &*it;
}

const DrawnNode* Drawing::node(std::string_view name) const {
    const auto it = std::find_if(nodes.begin(), nodes.end(),
                                 [&](const DrawnNode& node) { return node.name == name; });
    return it == nodes.end() ? nullptr : &*it;
}

Drawing parse_drawing(std::string_view text) {
    Drawing drawing;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::vector<std::string> list;
        for (std::string word; words >> word;) {
            list.push_back(word);
        }
        if (!list.empty() && !list.front().starts_with('#')) {
            parse_line(std::move(list), drawing);
        }
    }
    return drawing;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return parts;
}

std::uint64_t number_of(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc{} || end != text.data() + text.size()) {
        not_understood("number", text);
    }
    return number;
}

void not_understood(const std::string& what, const std::string& text) {
    throw std::invalid_argument("drawing: " + what + " not understood: '" + text + "'");
}

}  // namespace rop::testing

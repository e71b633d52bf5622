// What an instance answers to a survey (INFO, CLUSTER MYID, NODES and INFO, CONFIG GET, CLIENT
// LIST), of any number and kind: either a report that does not contradict itself, or a sentence.

#include <algorithm>
#include <string>
#include <utility>

#include "operator/observe/redis_survey.hpp"
#include "test/fuzz/target.hpp"

namespace {

using rop::fuzz::require;
using rop::ports::Reply;

/// A text; after '-' an error, after ':' an integer, after '*' a list of lines.
Reply reply_of(std::string_view part) {
    Reply reply;
    reply.kind = Reply::Kind::text;
    const char kind = part.empty() ? '\0' : part.front();
    if (kind == '-' || kind == ':' || kind == '*') {
        part.remove_prefix(1);
    }
    if (kind == '-') {
        reply.kind = Reply::Kind::error;
    } else if (kind == ':') {
        reply.kind = Reply::Kind::integer;
        reply.integer = static_cast<std::int64_t>(part.size());
    } else if (kind == '*') {
        reply.kind = Reply::Kind::array;
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(part.data());
        for (const auto line : rop::fuzz::Input(bytes, part.size()).parts('\n')) {
            reply.elements.push_back(reply_of(line));
        }
        return reply;
    }
    reply.text = part;
    return reply;
}

void check(const rop::InstanceReport& report) {
    if (!report.cluster_enabled) {
        require(report.table.empty(), "without cluster support there is no table");
        return;
    }
    require(report.self() != nullptr, "its own line is there");
    require(report.self()->id == report.node, "and is its own");
    require(std::ranges::count_if(report.table, [](const auto& row) { return row.is_self; }) == 1,
            "once");
    require(report.bus_port_bound != 0, "it has a bus port");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 128 * 1024, .per_byte = 4 * 1024});
    const rop::fuzz::Input input(bytes, size);
    rop::ports::RedisOutcome outcome;
    for (const auto part : input.parts('\x1e')) {
        outcome.replies.push_back(reply_of(part));
    }
    rop::observe::SurveyTarget target;
    target.sweep = outcome.replies.size() > 5;
    const auto answer = rop::observe::read_answer(target, outcome);
    require(answer.report.has_value() == (answer.contact == rop::Contact::answered),
            "a report or a reason");
    require(answer.report || !answer.detail.empty(), "the reason is said");
    require(answer.detail.size() < 500, "and is a sentence, not the reply");
    if (answer.report) {
        check(*answer.report);
    }
    return 0;
}

#include "operator/observe/redis_survey.hpp"

#include <string_view>
#include <utility>

#include "api/shortened.hpp"
#include "operator/observe/redis_report.hpp"
#include "operator/runtime/all.hpp"

namespace rop::observe {
namespace {

namespace asio = boost::asio;
using ports::RedisOutcome;
using ports::Reply;

struct Judgement {
    Contact contact = Contact::answered;
    std::string detail;
};

Contact contact_of(RedisOutcome::Contact contact) {
    switch (contact) {
        case RedisOutcome::Contact::refused:
            return Contact::refused;
        case RedisOutcome::Contact::auth_failed:
            return Contact::auth_failed;
        case RedisOutcome::Contact::untrusted:
            return Contact::untrusted;
        case RedisOutcome::Contact::garbled:
            return Contact::garbled;
        case RedisOutcome::Contact::fine:
        case RedisOutcome::Contact::timed_out:
        case RedisOutcome::Contact::closed:  // Says nothing about the process.
            break;
    }
    return Contact::timed_out;
}

Judgement judge_error(Question question, std::string_view text) {
    constexpr std::string_view denials[] = {"NOAUTH", "WRONGPASS", "NOPERM", "DENIED"};
    // All of these: alive, and cannot be judged yet.
    constexpr std::string_view delays[] = {"LOADING", "BUSY ", "MASTERDOWN"};

    std::string sentence = name_of(question) + ": " + shortened(text);
    for (const auto beginning : denials) {
        if (text.starts_with(beginning)) {
            return Judgement{Contact::auth_failed, std::move(sentence)};
        }
    }
    for (const auto beginning : delays) {
        if (text.starts_with(beginning)) {
            return Judgement{Contact::loading, std::move(sentence)};
        }
    }
    if (text.find("cluster support disabled") != std::string_view::npos) {
        return Judgement{};  // INFO says so too, or read_report() finds the contradiction.
    }
    return Judgement{Contact::garbled, std::move(sentence)};
}

/// Of the replies of an instance that answered everything: the first that stands in the way.
Judgement judge_replies(const std::vector<Reply>& replies) {
    for (std::size_t i = 0; i < replies.size(); ++i) {
        if (replies[i].is_error()) {
            Judgement judgement = judge_error(Question{i}, replies[i].text);
            if (judgement.contact != Contact::answered) {
                return judgement;
            }
        }
    }
    std::string progress = loading_progress(replies[index_of(Question::sections)]);
    if (!progress.empty()) {
        return Judgement{Contact::loading, std::move(progress)};
    }
    return Judgement{};
}

/// COUNTKEYSINSLOT is O(1) and answers for slots that the instance does not own, too: that is how
/// keys of unowned slots are found.
asio::awaitable<void> count_keys(ports::RedisPort* redis, const SurveyRequest* request,
                                 std::size_t index, SurveyAnswer* answer) {
    const SurveyTarget& target = request->targets[index];
    ports::RedisRequest questions;
    questions.to = target.at;
    questions.access = request->access;
    questions.connection_name = request->connection_name;
    questions.deadline = request->deadline;
    std::vector<std::uint16_t> slots;
    for (const auto& range : target.count) {
        for (unsigned slot = range.first.value(); slot <= range.last.value(); ++slot) {
            slots.push_back(static_cast<std::uint16_t>(slot));
            questions.commands.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)});
        }
    }
    const RedisOutcome outcome = co_await redis->send(std::move(questions));
    if (outcome.failure || outcome.replies.size() != slots.size()) {
        co_return;  // Not counted: whoever needs the count sees that it is not there.
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (outcome.replies[i].kind != Reply::Kind::integer) {
            answer->report->keys_in.clear();
            co_return;
        }
        if (outcome.replies[i].integer > 0) {
            answer->report->keys_in[slots[i]] =
                static_cast<std::uint64_t>(outcome.replies[i].integer);
        }
    }
    answer->report->counted = target.count;
}

/// `request` and `answer` belong to survey(), which waits for this.
asio::awaitable<void> ask(ports::RedisPort* redis, const SurveyRequest* request, std::size_t index,
                          SurveyAnswer* answer) {
    const SurveyTarget& target = request->targets[index];
    ports::RedisRequest questions;
    questions.to = target.at;
    questions.access = request->access;
    questions.connection_name = request->connection_name;
    questions.commands = survey_commands(target.sweep);
    questions.deadline = request->deadline;
    RedisOutcome outcome = co_await redis->send(questions);
    if (outcome.failure && outcome.contact == RedisOutcome::Contact::closed) {
        // The kept connection ended under us. A new one tells whether anybody is still there, and
        // the questions change nothing.
        outcome = co_await redis->send(std::move(questions));
    }
    *answer = read_answer(target, outcome);
    const bool countable = answer->report && answer->report->cluster_enabled;
    if (countable && !target.count.empty()) {
        co_await count_keys(redis, request, index, answer);
    }
}

}  // namespace

std::vector<ports::Words> survey_commands(bool sweep) {
    std::vector<ports::Words> commands;
    const std::size_t count = index_of(Question::clients) + (sweep ? 1 : 0);
    for (std::size_t i = 0; i < count; ++i) {
        commands.push_back(words_of(Question{i}));
    }
    return commands;
}

SurveyAnswer read_answer(const SurveyTarget& target, const RedisOutcome& outcome) {
    SurveyAnswer answer;
    answer.id = target.id;
    answer.at = target.at;
    if (outcome.failure) {
        answer.contact = contact_of(outcome.contact);
        answer.detail = outcome.failure->what;
        return answer;
    }
    const std::size_t expected = index_of(Question::clients) + (target.sweep ? 1 : 0);
    if (outcome.replies.size() != expected) {
        answer.contact = Contact::garbled;
        answer.detail = std::to_string(outcome.replies.size()) + " replies to " +
                        std::to_string(expected) + " commands";
        return answer;
    }
    Judgement judgement = judge_replies(outcome.replies);
    if (judgement.contact == Contact::answered) {
        auto report = read_report(outcome.replies);
        if (report.has_value()) {
            answer.report = std::move(report).value();
        } else {
            judgement = Judgement{Contact::garbled, std::move(report).error().what};
        }
    }
    answer.contact = judgement.contact;
    answer.detail = std::move(judgement.detail);
    return answer;
}

asio::awaitable<std::vector<SurveyAnswer>> survey(ports::RedisPort* redis, SurveyRequest request) {
    std::vector<SurveyAnswer> answers(request.targets.size());
    std::vector<asio::awaitable<void>> tasks;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        tasks.push_back(ask(redis, &request, i, &answers[i]));
    }
    co_await runtime::all(std::move(tasks));
    co_return answers;
}

}  // namespace rop::observe

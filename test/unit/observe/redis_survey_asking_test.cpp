#include <map>
#include <stdexcept>

#include <gtest/gtest.h>

#include "operator/observe/redis_survey.hpp"
#include "test/support/run_to_end.hpp"

namespace rop::observe {
namespace {

namespace asio = boost::asio;
using ports::RedisOutcome;

RedisOutcome failed(RedisOutcome::Contact contact) {
    RedisOutcome outcome;
    outcome.contact = contact;
    outcome.failure = Error{ErrorKind::unavailable, "why"};
    return outcome;
}

/// Answers from a script, one outcome per call; remembers what it was asked.
class ScriptedRedis : public ports::RedisPort {
  public:
    asio::awaitable<RedisOutcome> send(ports::RedisRequest request) override {
        asked.push_back(request);
        const auto it = script.find(request.to);
        if (it == script.end() || it->second.empty()) {
            throw std::logic_error("asked too often: " + to_string(request.to));
        }
        RedisOutcome outcome = it->second.front();
        it->second.erase(it->second.begin());
        co_return outcome;
    }
    void drop_all() override {}
    void keep_only(const std::vector<Endpoint>&) override {}
    void on_closed(std::function<void(const Endpoint&)>) override {}

    std::map<Endpoint, std::vector<RedisOutcome>> script;
    std::vector<ports::RedisRequest> asked;
};

TEST(SurveyAsking, AnswersInTheOrderOfItsTargets) {
    ScriptedRedis redis;
    const RedisOutcome refused = failed(RedisOutcome::Contact::refused);
    SurveyRequest request;
    for (const auto port : std::initializer_list<std::uint16_t>{3, 1, 2}) {
        const Endpoint at{"127.0.0.1", port};
        request.targets.push_back(SurveyTarget{InstanceId{std::to_string(port)}, at, port == 2});
        redis.script[at] = {port == 1 ? refused : failed(RedisOutcome::Contact::garbled)};
    }
    request.connection_name = "redis-operator:6f1c:4";
    request.access = std::make_shared<ports::Access>();

    const auto answers = testing::run_to_end(survey(&redis, request));

    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(answers[0].id, InstanceId{"3"});
    EXPECT_EQ(answers[0].contact, Contact::garbled);
    EXPECT_EQ(answers[1].id, InstanceId{"1"});
    EXPECT_EQ(answers[1].contact, Contact::refused);
    EXPECT_EQ(answers[2].id, InstanceId{"2"});
    ASSERT_EQ(redis.asked.size(), 3U);
    EXPECT_EQ(redis.asked[0].connection_name, "redis-operator:6f1c:4");
    EXPECT_EQ(redis.asked[0].access, request.access);
    EXPECT_EQ(redis.asked[0].commands, survey_commands(false));
    EXPECT_EQ(redis.asked[2].commands, survey_commands(true));
    EXPECT_FALSE(redis.asked[0].may_write) << "a survey only reads";
}

TEST(SurveyAsking, AsksOnceMoreWhenItsConnectionWasClosed) {
    const Endpoint at{"127.0.0.1", 1};
    SurveyRequest request;
    request.targets.push_back(SurveyTarget{InstanceId{"a"}, at});
    const RedisOutcome closed = failed(RedisOutcome::Contact::closed);
    const RedisOutcome refused = failed(RedisOutcome::Contact::refused);
    ScriptedRedis redis;

    redis.script[at] = {closed, refused};
    EXPECT_EQ(testing::run_to_end(survey(&redis, request)).at(0).contact, Contact::refused);

    redis.script[at] = {closed, closed};
    EXPECT_EQ(testing::run_to_end(survey(&redis, request)).at(0).contact, Contact::timed_out);
    EXPECT_EQ(redis.asked.size(), 4U) << "once more, not for ever";
}

}  // namespace
}  // namespace rop::observe

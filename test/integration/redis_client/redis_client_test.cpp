// The client and the survey against a real redis-server.
#include <csignal>
#include <string>
#include <vector>

#include "test/integration/redis_client/redis_client_fixture.hpp"

namespace rop::redis {
namespace {

LocalRedis::Options with_password(std::string password) {
    LocalRedis::Options options;
    options.password = std::move(password);
    return options;
}

LocalRedis::Options in_cluster_mode() {
    LocalRedis::Options options;
    options.cluster = true;
    return options;
}

TEST_F(RedisClientTest, SendsABatchUnderItsName) {
    const LocalRedis redis;

    const auto outcome = send(redis, {{"SET", "a", "1"},
                                      {"INCR", "a"},
                                      {"GET", "a"},
                                      {"GET", "b"},
                                      {"LRANGE", "a", "0", "-1"},
                                      {"EVAL", "return {1, {'x', {}}}", "0"},
                                      {"CLIENT", "GETNAME"}});

    EXPECT_EQ(what(outcome), "");
    ASSERT_EQ(outcome.replies.size(), 7U);
    EXPECT_EQ(outcome.replies[0].text, "OK");
    EXPECT_EQ(outcome.replies[1].integer, 2);
    EXPECT_EQ(outcome.replies[2].text, "2");
    EXPECT_EQ(outcome.replies[3].kind, ports::Reply::Kind::nil);
    EXPECT_TRUE(outcome.replies[4].text.starts_with("WRONGTYPE"));
    EXPECT_EQ(outcome.replies[5].elements.at(1).elements.at(0).text, "x");
    EXPECT_EQ(outcome.replies[6].text, our_name);
    EXPECT_NE(redis.ask({"CLIENT", "LIST"}).find(" name=" + our_name + " "), std::string::npos);
}

TEST_F(RedisClientTest, MovesMegabytesBothWays) {
    const LocalRedis redis;
    const std::string value(8'000'000, 'x');

    const auto outcome = send(redis, {{"SET", "a", value}, {"GET", "a"}, {"STRLEN", "a"}});

    EXPECT_EQ(what(outcome), "");
    ASSERT_EQ(outcome.replies.size(), 3U);
    EXPECT_EQ(outcome.replies[1].text, value);
    EXPECT_EQ(outcome.replies[2].integer, 8'000'000);
}

TEST_F(RedisClientTest, GetsInWithTheRightPasswordOnly) {
    const LocalRedis redis(with_password("s3cret"));

    EXPECT_EQ(what(send(redis, {{"PING"}}, access("", "s3cret"))), "");
    EXPECT_EQ(what(send(redis, {{"PING"}}, access("default", "s3cret"))), "");

    const auto wrong = send(redis, {{"PING"}}, access("default", "wr0ng"));
    EXPECT_EQ(wrong.contact, Contact::auth_failed);
    EXPECT_TRUE(what(wrong).starts_with("AUTH: WRONGPASS")) << what(wrong);
    EXPECT_EQ(what(wrong).find("wr0ng"), std::string::npos);

    const auto none = send(redis, {{"PING"}});
    EXPECT_EQ(none.contact, Contact::auth_failed);
    EXPECT_TRUE(what(none).starts_with("CLIENT SETNAME: NOAUTH")) << what(none);

    const auto nameless = send(redis, {{"PING"}}, nullptr, "");
    EXPECT_EQ(what(nameless), "") << "there was nothing to refuse";
    EXPECT_TRUE(nameless.replies.at(0).text.starts_with("NOAUTH"));
}

TEST_F(RedisClientTest, IsToldThatNoPasswordIsConfigured) {
    const LocalRedis redis;

    const auto outcome = send(redis, {{"PING"}}, access("", "s3cret"));

    EXPECT_EQ(outcome.contact, Contact::auth_failed);
    EXPECT_TRUE(what(outcome).starts_with("AUTH: ERR AUTH <password> called without"))
        << what(outcome);
}

TEST_F(RedisClientTest, NoticesAKilledServerAtOnce) {
    LocalRedis redis;
    std::optional<Moment> noticed;
    port_->on_closed([&](const Endpoint& at) {
        EXPECT_EQ(at, redis.at());
        noticed = time_->now();
    });
    EXPECT_EQ(what(send(redis, {{"PING"}})), "");

    const Moment killed = time_->now();
    redis.kill();

    ASSERT_TRUE(until([&] { return noticed.has_value(); }));
    EXPECT_LT(*noticed - killed, 1s);
    EXPECT_EQ(send(redis, {{"PING"}}).contact, Contact::refused);
    EXPECT_EQ(survey(redis).contact, rop::Contact::refused);
}

TEST_F(RedisClientTest, ComesBackAfterClientKill) {
    const LocalRedis redis;
    std::size_t closed = 0;
    port_->on_closed([&](const Endpoint&) { ++closed; });
    const auto first = send(redis, {{"CLIENT", "ID"}});
    const auto id = std::to_string(first.replies.at(0).integer);

    EXPECT_EQ(redis.ask({"CLIENT", "KILL", "ID", id}), ":1\r\n");

    ASSERT_TRUE(until([&] { return closed == 1; }));
    const auto second = send(redis, {{"CLIENT", "ID"}});
    EXPECT_EQ(what(second), "");
    EXPECT_NE(second.replies.at(0).integer, first.replies.at(0).integer);
}

TEST_F(RedisClientTest, SaysThatASilentServerIsSilent) {
    LocalRedis redis;
    EXPECT_EQ(what(send(redis, {{"PING"}})), "");
    redis.process().signal(SIGSTOP);

    RedisRequest request;
    request.to = redis.at();
    request.connection_name = our_name;
    request.commands = {{"PING"}};
    request.deadline = 50ms;
    EXPECT_EQ(run(port_->send(request)).contact, Contact::timed_out);
    EXPECT_EQ(run(port_->send(request)).contact, Contact::timed_out) << "the kernel accepts for it";

    redis.process().signal(SIGCONT);
    RedisOutcome outcome;
    EXPECT_TRUE(until([&] {
        outcome = run(port_->send(request));
        return !outcome.failure;
    }));
    EXPECT_EQ(outcome.replies.at(0).text, "PONG") << "and not a late reply to another request";
}

TEST_F(RedisClientTest, IsToldThatThereAreTooManyClients) {
    LocalRedis::Options options;
    options.arguments = {"--maxclients", "1"};
    const LocalRedis redis(options);
    EXPECT_EQ(what(send(redis, {{"PING"}})), "");
    const auto other = make_redis_port(*time_);
    RedisRequest request;
    request.to = redis.at();
    request.connection_name = our_name;
    request.commands = {{"PING"}};

    const auto outcome = run(other->send(request));

    EXPECT_EQ(outcome.contact, Contact::closed);
    EXPECT_EQ(what(outcome), "CLIENT SETNAME: ERR max number of clients reached");
}

TEST_F(RedisClientTest, SurveysABlankInstance) {
    const LocalRedis redis(in_cluster_mode());

    const auto answer = survey(redis);

    ASSERT_EQ(answer.contact, rop::Contact::answered) << answer.detail;
    EXPECT_TRUE(answer.report->is_blank());
    EXPECT_EQ(answer.report->engine, "redis");
    EXPECT_EQ(answer.report->bus_port_bound, redis.bus_port());
    EXPECT_EQ(answer.report->bus_port, redis.bus_port());
    EXPECT_EQ(answer.report->node_timeout, 15s);
    EXPECT_TRUE(answer.report->replica_migration_allowed);
}

TEST_F(RedisClientTest, SurveysTwoThatHaveMet) {
    const LocalRedis one(in_cluster_mode());
    const LocalRedis two(in_cluster_mode());
    EXPECT_EQ(what(send(one, {{"CLUSTER", "ADDSLOTSRANGE", "0", "9", "20", "29"},
                              {"CLUSTER", "SETSLOT", "5", "MIGRATING", std::string(40, 'f')},
                              {"CLUSTER", "MEET", "127.0.0.1", std::to_string(two.at().port),
                               std::to_string(two.bus_port())}})),
              "");
    observe::SurveyAnswer answer;
    ASSERT_TRUE(until([&] {
        answer = survey(two);
        return answer.report && answer.report->known_nodes == 2 && answer.report->self() &&
               answer.report->table.size() == 2 && !answer.report->table[0].in_handshake &&
               !answer.report->table[1].in_handshake;
    }));

    const auto first = survey(one, true);

    ASSERT_EQ(first.contact, rop::Contact::answered) << first.detail;
    EXPECT_FALSE(first.report->is_blank());
    ASSERT_NE(first.report->self(), nullptr);
    EXPECT_EQ(SlotSet{first.report->self()->slots}.to_string(), "0-9 20-29");
    ASSERT_TRUE(first.report->operators);
    ASSERT_EQ(first.report->operators->size(), 1U);
    EXPECT_EQ(first.report->operators->at(0).installation, InstallationId{"6f1c"});
    EXPECT_EQ(first.report->operators->at(0).epoch, Epoch{4});
    for (const auto& row : answer.report->table) {
        if (!row.is_self) {
            EXPECT_EQ(row.id, first.report->node);
            EXPECT_EQ(row.address, one.at());
            EXPECT_EQ(row.bus_port, one.bus_port());
            EXPECT_TRUE(row.is_primary);
        }
    }
}

TEST_F(RedisClientTest, SurveysOneWithoutClusterSupport) {
    const LocalRedis redis;
    EXPECT_EQ(redis.ask({"SET", "a", "b"}), "+OK\r\n");

    const auto answer = survey(redis, true);

    ASSERT_EQ(answer.contact, rop::Contact::answered) << answer.detail;
    EXPECT_FALSE(answer.report->cluster_enabled);
    EXPECT_EQ(answer.report->keys, 1U);
}

TEST_F(RedisClientTest, SurveysOneThatWantsAnotherPassword) {
    const LocalRedis redis(with_password("s3cret"));

    EXPECT_EQ(survey(redis).contact, rop::Contact::auth_failed);
    EXPECT_EQ(survey(redis, false, access("default", "wr0ng")).contact, rop::Contact::auth_failed);
    EXPECT_EQ(survey(redis, false, access("default", "s3cret")).contact, rop::Contact::answered);
}

TEST_F(RedisClientTest, SurveysOneThatHasNoRightToBeAsked) {
    const LocalRedis redis;
    EXPECT_EQ(redis.ask({"ACL", "SETUSER", "app", "on", ">pw", "+client", "+info"}), "+OK\r\n");

    const auto answer = survey(redis, false, access("app", "pw"));

    EXPECT_EQ(answer.contact, rop::Contact::auth_failed);
    EXPECT_TRUE(answer.detail.starts_with("CLUSTER MYID: NOPERM")) << answer.detail;
}

TEST_F(RedisClientTest, SurveysOneThatIsBusy) {
    LocalRedis::Options options = in_cluster_mode();
    options.arguments = {"--busy-reply-threshold", "1"};
    const LocalRedis redis(options);
    EXPECT_EQ(what(send(redis, {{"PING"}})), "");
    // Nobody waits for the end of the script, which lasts until it is killed.
    RedisRequest endless;
    endless.to = redis.at();
    endless.commands = {{"EVAL", "while true do end", "0"}};
    endless.deadline = 100ms;
    const auto other = make_redis_port(*time_);
    EXPECT_EQ(run(other->send(endless)).contact, Contact::timed_out);

    const auto answer = survey(redis);

    EXPECT_EQ(answer.contact, rop::Contact::loading) << "alive, and cannot be judged yet";
    EXPECT_TRUE(answer.detail.starts_with("INFO: BUSY")) << answer.detail;
    EXPECT_EQ(redis.ask({"SCRIPT", "KILL"}), "+OK\r\n");
}

TEST_F(RedisClientTest, SurveysOneThatIsLoading) {
    LocalRedis::Options options;
    options.arguments = {"--enable-debug-command", "yes"};
    const LocalRedis source(options);
    EXPECT_EQ(source.ask({"DEBUG", "POPULATE", "100000"}), "+OK\r\n");
    EXPECT_EQ(source.ask({"SAVE"}), "+OK\r\n");
    // A millisecond for each key: it is still loading when it is asked.
    options.arguments = {"--dir",
                         source.folder(),
                         "--key-load-delay",
                         "1000",
                         "--loading-process-events-interval-bytes",
                         "1024"};
    const LocalRedis redis(options);

    const auto answer = survey(redis);

    EXPECT_EQ(answer.contact, rop::Contact::loading);
    EXPECT_FALSE(answer.report);
}

}  // namespace
}  // namespace rop::redis

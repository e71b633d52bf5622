#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>

#include "test/unit/commands/workshop.hpp"

// get, describe, events, plan and wait: what people read, letter by letter.
namespace rop::commands {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Get = Workshop;
using Describe = Workshop;
using Events = Workshop;
using Plans = Workshop;
using Wait = Workshop;

GetRequest checking() {
    GetRequest request;
    request.check = true;
    return request;
}

TEST_F(Get, DrawsATable) {
    declare();
    publish(ready());
    declare(ClusterName{"orders-eu"});
    declare(ClusterName{"wrong"}, "{}");
    elect();

    const Outcome outcome = run(get(tools(), GetRequest{}));

    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out,
              R"(NAME       MODE     PRIMARIES  REPLICAS  SLOTS  PHASE    REASON       AGE
cache      cluster  3/3        2/3       16384  Ready    AsDeclared   5m
orders-eu  cluster  0/3        0/3       0      Pending  NotSeenYet   -
wrong      -        -          -         0      Pending  InvalidSpec  -
)");
}

TEST_F(Get, ColoursOnlyWhenAsked) {
    declare();
    publish(ready());
    elect();
    Toolbox coloured = tools();
    coloured.style.colours = true;
    EXPECT_THAT(run(get(coloured, GetRequest{})).out,
                HasSubstr("\x1b[32mReady\x1b[0m  AsDeclared"));
    EXPECT_THAT(run(get(tools(), GetRequest{})).out, Not(HasSubstr("\x1b")));
}

TEST_F(Get, SaysWhenNobodyLeads) {
    declare();
    publish(ready());
    const Outcome outcome = run(get(tools(), GetRequest{}));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_THAT(outcome.err, StartsWith("note: nobody leads"));
}

TEST_F(Get, SaysHowToBeginWhenThereIsNothing) {
    const Outcome outcome = run(get(tools(), GetRequest{}));
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr("No cluster is declared"));
    EXPECT_EQ(run(get(tools(Format::json), GetRequest{})).out, "[]\n");
}

TEST_F(Get, GivesStatusesToPrograms) {
    declare();
    publish(ready());
    declare(ClusterName{"orders"});
    elect();

    const auto all = boost::json::parse(run(get(tools(Format::json), GetRequest{})).out);
    EXPECT_EQ(all.as_array().size(), 2U);
    EXPECT_EQ(all.at(1).at("reason"), "NotSeenYet");

    GetRequest one;
    one.name = cache;
    const auto status = boost::json::parse(run(get(tools(Format::json), one)).out);
    EXPECT_EQ(status.at("phase"), "Ready");
}

TEST_F(Get, ChecksPhaseSpecAndLeader) {
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::not_so);
    declare();
    publish(ready());
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::not_so) << "nobody leads";
    elect();
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::done);
    declare();
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::not_so) << "the spec is newer";
    ClusterStatus degraded = ready();
    degraded.phase = Phase::degraded;
    publish(degraded);
    EXPECT_EQ(run(get(tools(), checking())).code, ExitCode::not_so);
}

TEST_F(Get, TellsAnUndeclaredNameFromADeletedOne) {
    GetRequest one;
    one.name = cache;
    EXPECT_EQ(run(get(tools(), one)).err,
              "error: cache is not declared\nnext: redis-operator get lists what is\n");
    remember();
    const Outcome outcome = run(get(tools(), one));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, HasSubstr("its record is kept"));
}

TEST_F(Get, NamesTheConsulThatDoesNotAnswer) {
    line_.line = testing::FakeConsulClient::Line::refused;
    const Outcome outcome = run(get(tools(), GetRequest{}));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, AllOf(StartsWith("error: Consul at http://127.0.0.1:8500 does not "
                                              "answer: "),
                                   HasSubstr("next: "), HasSubstr("CONSUL_HTTP_ADDR")));
}

TEST_F(Get, SaysWhichTokenIsMissing) {
    line_.line = testing::FakeConsulClient::Line::denied;
    EXPECT_THAT(run(get(tools(), GetRequest{})).err,
                AllOf(HasSubstr("refuses"), HasSubstr("CONSUL_HTTP_TOKEN")));
}

TEST_F(Get, LetsNobodySteerTheTerminal) {
    declare();
    ClusterStatus status = ready();
    status.reason = "\x1b[2J\nevil";
    publish(status);
    elect();
    EXPECT_THAT(run(get(tools(), GetRequest{})).out,
                AllOf(HasSubstr("?[2J?evil"), Not(HasSubstr("\x1b"))));
}

TEST_F(Describe, TellsEverything) {
    declare();
    publish(ready());
    elect();
    const std::vector<Event> happened{{.time = ago(minutes(5)),
                                       .first_time = ago(minutes(6)),
                                       .count = 2,
                                       .type = EventType::warning,
                                       .reason = "Retried",
                                       .message = "MEET was lost"},
                                      {.time = ago(minutes(5)),
                                       .first_time = ago(minutes(5)),
                                       .count = 1,
                                       .type = EventType::normal,
                                       .reason = "Formed",
                                       .message = "3 shards"}};
    consul_.put(key(cache, "events"), json::write_events(happened));

    const Outcome outcome = run(describe(tools(), cache));

    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out, R"(Name       cache
Mode       cluster, redis 7.0.15
Phase      Ready (AsDeclared): 3 primaries, 3 replicas, 16384 slots served
Declared   3 primaries with 1 replica each, service redis-cache, Nomad redis-cache/redis
Slots      16384 assigned, 16384 served
Leader     host-1, epoch 4; status written 12s ago

Conditions
  TYPE            STATUS  SINCE  REASON      MESSAGE
  Formed          True    5m     AsDeclared  formed
  ReplicasInSync  False   3s     Syncing     1 replica is not in sync

Shards
  PRIMARY   SLOTS        REPLICAS
  aaaaaaa0  0-5460       bbbbbbb0
  aaaaaaa1  5461-10922   bbbbbbb1
  aaaaaaa2  10923-16383  bbbbbbb2 (not in sync)

Instances
  INSTANCE  ROLE     STATE    ADDRESS          BUS    HOST    NODE
  aaaaaaa0  primary  ok       127.0.0.1:21000  31000  host-0  aaaaaaaa
  bbbbbbb0  replica  ok       -                -      host-0  dddddddd
  aaaaaaa1  primary  ok       127.0.0.1:21001  31001  host-1  bbbbbbbb
  bbbbbbb1  replica  ok       -                -      host-1  eeeeeeee
  aaaaaaa2  primary  ok       127.0.0.1:21002  31002  host-2  cccccccc
  bbbbbbb2  replica  loading  -                -      host-2  ffffffff

Events
  AGE  TYPE     COUNT  REASON   MESSAGE
  5m   Warning  2      Retried  MEET was lost
  5m   Normal   1      Formed   3 shards

Next: nothing to do; connect with redis-cli -c -h 127.0.0.1 -p 21000
)");
}

TEST_F(Describe, ShowsWhatIsWrongWithASpecAndWhatIsInForce) {
    declare();
    remember();
    ClusterStatus status = ready();
    declare(cache,
            R"({"version": 1, "mode": "cluster", "primaires": 5, "service": "redis-cache"})");
    publish(status);
    elect();

    const std::string text = run(describe(tools(), cache)).out;

    EXPECT_THAT(text, AllOf(HasSubstr("Declared   a spec that is not valid (2 problems)"),
                            HasSubstr("In force   the spec before: 3 primaries"),
                            HasSubstr("\nProblems\n  $.primaires"),
                            HasSubstr("Next: correct the spec and apply it again")));
}

TEST_F(Describe, SaysWhatToDoNext) {
    declare();
    EXPECT_THAT(run(describe(tools(), cache)).out, HasSubstr("Next: nobody leads"));
    elect();
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Next: the leader has not looked at the newest spec yet"));
    ClusterStatus status = ready();
    status.phase = Phase::forming;
    status.current_operation =
        OperationStatus{.kind = "form", .done = 3, .total = 7, .since = ago(seconds(2))};
    publish(status);
    EXPECT_THAT(
        run(describe(tools(), cache)).out,
        AllOf(HasSubstr("Doing      form, 3 of 7, for 2s\n"), HasSubstr("Next: under way")));
}

TEST_F(Describe, KnowsWhatIsWrongWithASpecThatIsNotInForce) {
    elect();
    declare(cache, R"({"version": 1})");
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Next: correct the spec and apply it again; nothing happens before"));

    declare();
    ClusterStatus status = ready();
    status.phase = Phase::pending;
    status.conditions = {{.type = ConditionType::spec_valid,
                          .status = Truth::no,
                          .reason = "ServiceTaken",
                          .message = "cluster other has it",
                          .since = ago(seconds(2))}};
    publish(status);
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Next: another cluster has this service"));
}

TEST_F(Describe, IsThereForPrograms) {
    declare(cache, R"({"version": 1, "mode": "cluster", "primaries": 3, "replicasPerPrimary": 1,
                       "service": "redis-cache", "settings": {"maxmemory": "1gb"}})");
    EXPECT_THAT(run(describe(tools(), cache)).out,
                HasSubstr("Note       settings are checked and not applied yet"));
    publish(ready());
    consul_.put(key(cache, "record"), "{}");
    auto answer = boost::json::parse(run(describe(tools(Format::json), cache)).out);
    EXPECT_EQ(answer.at("spec").at("service"), "redis-cache");
    EXPECT_EQ(answer.at("status").at("phase"), "Ready");
    EXPECT_TRUE(answer.at("events").as_array().empty());
    EXPECT_TRUE(answer.at("leader").is_null());
    EXPECT_EQ(answer.at("problems").as_array().size(), 1U);

    elect();
    declare(cache, R"({"version": 1, "mode": "cluster", "primaires": 3})");
    answer = boost::json::parse(run(describe(tools(Format::json), cache)).out);
    EXPECT_TRUE(answer.at("spec").is_null());
    EXPECT_EQ(answer.at("leader"), "host-1");
    EXPECT_EQ(answer.at("problems").at(0).at("path"), "$.primaires");
}

TEST(Printable, LeavesNothingThatSteersATerminal) {
    EXPECT_EQ(printable("a\x1b[2Jb\n\x7f"), "a?[2Jb??");
    EXPECT_EQ(printable("8 bits \xc2\x9b"
                        "2J"),
              "8 bits ?2J");
    EXPECT_EQ(printable("\xe2\x80\xae"
                        "turned\xe2\x81\xa6"),
              "?turned?");
    EXPECT_EQ(printable("caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x90\x98"),
              "caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x90\x98");
    EXPECT_EQ(printable("broken \x9b \xe2\x80"), "broken ? ??");
}

TEST_F(Describe, ShowsWhatCannotBeRead) {
    declare();
    consul_.put(key(cache, "record"), "{}");
    consul_.put(key(cache, "status"), "not JSON");
    EXPECT_THAT(run(describe(tools(), cache)).out,
                AllOf(HasSubstr("cannot be read: record"), HasSubstr("cannot be read: status")));
}

TEST_F(Events, ListThemOldestFirst) {
    declare();
    EXPECT_EQ(run(events(tools(), cache)).err, "No events of cache yet.\n");
    EXPECT_EQ(run(events(tools(Format::json), cache)).out, "[]\n");
    const std::vector<Event> happened{{.time = ago(minutes(3)),
                                       .first_time = ago(minutes(3)),
                                       .count = 1,
                                       .type = EventType::normal,
                                       .reason = "Forming",
                                       .message = "layout written"},
                                      {.time = ago(seconds(30)),
                                       .first_time = ago(seconds(40)),
                                       .count = 4,
                                       .type = EventType::warning,
                                       .reason = "InstanceLost",
                                       .message = "a1 is gone"}};
    consul_.put(key(cache, "events"), json::write_events(happened));
    EXPECT_EQ(run(events(tools(), cache)).out, R"(AGE  TYPE     COUNT  REASON        MESSAGE
3m   Normal   1      Forming       layout written
30s  Warning  4      InstanceLost  a1 is gone
)");
}

TEST_F(Plans, NeedNoLeader) {
    declare();
    plan_.concern = "formation";
    plan_.steps = {
        Step{.action = SetNodeTimeout{.at = {InstanceId{"a"}}, .timeout = milliseconds(500)},
             .reason = "faster while forming"}};
    const Outcome outcome = run(plan(tools(), cache));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.out, "cache: Pending (TooFewInstances): 2 of 6 instances answer\n" +
                               to_string(plan_) +
                               "next: nobody leads, so nobody does this: start an operator with "
                               "redis-operator run\n");
    EXPECT_EQ(looked_instead_, std::nullopt);
    elect();
    EXPECT_THAT(run(plan(tools(), cache)).out, HasSubstr("next: host-1 leads and does this\n"));
    EXPECT_EQ(run(plan(tools(Format::json), cache)).out, json::write_plan(plan_) + "\n");
}

TEST_F(Plans, SayWhyThereIsNone) {
    EXPECT_THAT(run(plan(tools(), cache)).err, HasSubstr("cache is not declared"));
    declare();
    look_fails_ = Error{ErrorKind::unavailable, "no answer"};
    const Outcome outcome = run(plan(tools(), cache));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_EQ(outcome.err, "error: no plan for cache: no answer\n");
}

TEST_F(Wait, EndsAtOnceWhenItIsSo) {
    declare();
    publish(ready());
    elect();
    const Outcome outcome = run(wait(tools(), WaitRequest{.name = cache}));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.out, "cache is ready: 3 primaries, 3 replicas, 16384 slots served\n");
}

TEST_F(Wait, IsWokenByTheStatus) {
    declare();
    elect();
    std::optional<Outcome> ended;
    start(wait(tools(), WaitRequest{.name = cache}), ended);
    time_.advance(seconds(2));
    EXPECT_FALSE(ended.has_value());
    publish(ready());
    EXPECT_TRUE(time_.advance_until([&] { return ended.has_value(); }, milliseconds(100)));
    EXPECT_EQ(ended->code, ExitCode::done);
}

TEST_F(Wait, DoesNotTakeTheStatusOfAnOlderSpec) {
    declare();
    publish(ready());
    declare();
    elect();
    const Outcome outcome = run(wait(tools(), WaitRequest{.name = cache, .timeout = seconds(3)}));
    EXPECT_EQ(outcome.code, ExitCode::not_so);
    EXPECT_EQ(outcome.err,
              "cache is not ready after 3s: the leader has not accepted the newest spec\n"
              "next: redis-operator describe cache\n");
}

TEST_F(Wait, SaysWhyTheNewestSpecIsRefused) {
    declare();
    ClusterStatus status = ready();
    status.conditions.push_back({.type = ConditionType::spec_valid,
                                 .status = Truth::no,
                                 .reason = "ServiceTaken",
                                 .message = "cluster other has redis-cache",
                                 .since = ago(seconds(2))});
    publish(status);
    declare();
    elect();
    EXPECT_THAT(run(wait(tools(), WaitRequest{.name = cache, .timeout = seconds(1)})).err,
                HasSubstr("has not accepted the newest spec (ServiceTaken): cluster other has "
                          "redis-cache\nnext: "));
}

TEST_F(Wait, SaysOnlyOneNextStep) {
    line_.line = testing::FakeConsulClient::Line::refused;
    const std::string err =
        run(wait(tools(), WaitRequest{.name = cache, .timeout = seconds(1)})).err;
    EXPECT_THAT(err, HasSubstr("\nnext: is an agent running there?"));
    EXPECT_EQ(err.find("next:"), err.rfind("next:")) << err;
}

TEST_F(Wait, NoticesANewLeader) {
    declare();
    publish(ready());
    std::optional<Outcome> ended;
    start(wait(tools(), WaitRequest{.name = cache}), ended);
    time_.advance(seconds(3));
    EXPECT_FALSE(ended.has_value()) << "a status without a leader proves nothing";
    elect();
    EXPECT_TRUE(time_.advance_until([&] { return ended.has_value(); }, seconds(2)));
}

TEST_F(Wait, ForFormedAsksTheCondition) {
    declare();
    ClusterStatus status = ready();
    status.phase = Phase::degraded;
    publish(status);
    elect();
    EXPECT_EQ(run(wait(tools(), WaitRequest{.name = cache, .what = WaitRequest::For::formed})).code,
              ExitCode::done);
    EXPECT_EQ(run(wait(tools(), WaitRequest{.name = cache, .timeout = seconds(1)})).code,
              ExitCode::not_so);
}

TEST_F(Wait, OutlivesAConsulThatRestarts) {
    declare();
    publish(ready());
    elect();
    line_.line = testing::FakeConsulClient::Line::refused;
    std::optional<Outcome> ended;
    start(wait(tools(), WaitRequest{.name = cache}), ended);
    time_.advance(seconds(2));
    EXPECT_FALSE(ended.has_value());
    line_.line = testing::FakeConsulClient::Line::fine;
    EXPECT_TRUE(time_.advance_until([&] { return ended.has_value(); }, seconds(1)));
    EXPECT_EQ(ended->code, ExitCode::done);
}

TEST_F(Wait, GivesUpWhereWaitingCannotHelp) {
    EXPECT_EQ(run(wait(tools(), WaitRequest{.name = cache})).code, ExitCode::failed);
    line_.line = testing::FakeConsulClient::Line::denied;
    EXPECT_EQ(run(wait(tools(), WaitRequest{.name = cache})).code, ExitCode::failed);
}

}  // namespace
}  // namespace rop::commands

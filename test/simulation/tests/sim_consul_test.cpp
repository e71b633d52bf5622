#include "test/simulation/sim_consul.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/simulation/tests/virtual_fixture.hpp"

namespace rop::simulation {
namespace {

using ports::BlockingQuery;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

class SimConsulTest : public VirtualTest {
  protected:
    SimConsulTest() { consul_.add_node("host-1", "127.0.1.1", {}); }

    std::string open_session() {
        ports::TtlService service;
        service.id = "operator-1";
        service.name = "redis-operator";
        service.check_id = "service:operator-1";
        EXPECT_TRUE(finish(port_->register_service(service)));
        EXPECT_TRUE(finish(port_->pass_check(service.check_id)));
        ports::SessionRequest request;
        request.service_checks = {service.check_id};
        return finish(port_->session_create(request)).value();
    }
    ports::TxnAnswer txn(std::vector<ports::TxnOp> operations) {
        return finish(port_->txn(std::move(operations))).value();
    }
    std::optional<ports::KvEntry> get(const std::string& key) {
        return finish(port_->kv_get(key, BlockingQuery{})).value().value;
    }

    Consul consul_{clock_, Dice{9}};
    std::unique_ptr<ports::ConsulPort> port_ =
        make_sim_consul(SimConsulContext{&clock_, &consul_, &faults_, &process_, nullptr, "host-1"},
                        io_.get_executor());
};

TEST_F(SimConsulTest, ATransactionIsAppliedAsAWholeOrNotAtAll) {
    EXPECT_TRUE(txn({ports::KvCas{"a", "1", 0}, ports::KvSet{"b", "1"}}).applied);
    const auto refused = txn({ports::KvSet{"b", "2"}, ports::KvCas{"a", "2", 0}});
    EXPECT_FALSE(refused.applied);
    EXPECT_THAT(refused.errors, ElementsAre("failed to set key \"a\", index is stale"));
    EXPECT_EQ(get("b")->value, "1");
}

TEST_F(SimConsulTest, WritingTheSameMovesNoIndex) {
    txn({ports::KvSet{"a", "1"}});
    const auto before = get("a")->modify_index;
    txn({ports::KvSet{"a", "1"}});
    EXPECT_EQ(get("a")->modify_index, before);
}

TEST_F(SimConsulTest, ALockIsHeldUntilTheCheckOfItsSessionFails) {
    const std::string session = open_session();
    EXPECT_TRUE(txn({ports::KvLock{"leader", "me", session}}).applied);
    EXPECT_EQ(get("leader")->session, session);
    EXPECT_TRUE(txn({ports::KvCheckSession{"leader", session}, ports::KvSet{"a", "1"}}).applied);
    run_for(seconds{3});  // The check's TTL is two seconds.
    EXPECT_EQ(get("leader")->session, "");
    const auto refused = txn({ports::KvCheckSession{"leader", session}, ports::KvSet{"a", "2"}});
    EXPECT_THAT(refused.errors, ElementsAre(HasSubstr("failed session check")));
    EXPECT_EQ(finish(port_->session_renew(session)).value(), false);
}

TEST_F(SimConsulTest, ASessionWithoutRenewalEndsAfterTwiceItsTtl) {
    ports::SessionRequest request;
    const std::string session = finish(port_->session_create(request)).value();
    run_for(seconds{19});
    EXPECT_TRUE(consul_.session_exists(session));
    run_for(seconds{2});
    EXPECT_FALSE(consul_.session_exists(session));
}

TEST_F(SimConsulTest, ABlockingQueryReturnsAtTheChangeItWaitsForOrAtItsEnd) {
    consul_.put("clusters/a/spec", "1");
    BlockingQuery query;
    query.index = finish(port_->kv_list("clusters/", query)).value().index;
    const Moment begun = clock_.now();
    clock_.after(seconds{2}, [&] { consul_.put("other", "1"); });
    clock_.after(seconds{4}, [&] { consul_.put("clusters/a/spec", "2"); });
    const auto page = finish(port_->kv_list("clusters/", query)).value();
    EXPECT_EQ(page.value.at(0).value, "2");
    EXPECT_GE(clock_.now() - begun, seconds{4});
    EXPECT_LT(clock_.now() - begun, milliseconds{4'010});
    query.index = page.index;
    EXPECT_EQ(finish(port_->kv_list("clusters/", query)).value().index, page.index);
    EXPECT_GE(clock_.now() - begun, seconds{29});
}

TEST_F(SimConsulTest, WithoutALeaderNothingIsAnsweredAndAfterwardsPerhapsForgotten) {
    consul_.put("a", "1");
    consul_.fail();
    EXPECT_EQ(finish(port_->kv_get("a", BlockingQuery{})).error().kind, ErrorKind::unavailable);
    consul_.heal(true);
    EXPECT_EQ(get("a"), std::nullopt);
    EXPECT_EQ(get("a")->value, "1");
}

TEST_F(SimConsulTest, ALostReplyLeavesTheTransactionApplied) {
    FaultRates rates;
    rates.reply_lost = 1;
    faults_.set(rates);
    const auto answer = finish(port_->txn({ports::KvSet{"a", "1"}}));
    EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
    faults_.stop();
    EXPECT_EQ(get("a")->value, "1");
}

}  // namespace
}  // namespace rop::simulation

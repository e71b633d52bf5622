#include "test/support/fake_consul.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "api/base/overloaded.hpp"

namespace rop::testing {

namespace asio = boost::asio;
using ports::KvEntry;

asio::awaitable<void> FakeConsul::run() {
    for (;;) {
        co_await time_->sleep_for(std::chrono::milliseconds(10));
        const Moment now = time_->now();
        std::vector<std::string> failed;
        for (auto& [id, service] : services_) {
            if (service.passing && now >= service.passed + service.service.ttl) {
                service.passing = false;
                failed.push_back(service.service.check_id);
            }
        }
        for (const std::string& check : failed) {
            check_fails(check);
        }
        std::vector<std::string> expired;
        for (const auto& [id, session] : sessions_) {
            if (now >= session.renewed + 2 * session.request.ttl) {
                expired.push_back(id);
            }
        }
        for (const std::string& id : expired) {
            destroy_session(id);
        }
    }
}

std::optional<KvEntry> FakeConsul::get(const std::string& key) const {
    const auto it = store_.find(key);
    return it == store_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<KvEntry> FakeConsul::list(const std::string& prefix) const {
    std::vector<KvEntry> found;
    for (auto at = store_.lower_bound(prefix); at != store_.end(); ++at) {
        if (!at->first.starts_with(prefix)) {
            break;
        }
        found.push_back(at->second);
    }
    return found;
}

void FakeConsul::put(const std::string& key, const std::string& value) {
    (void)transact({ports::KvSet{key, value}});
}

void FakeConsul::erase(const std::string& key) {
    (void)transact({ports::KvDelete{key}});
}

void FakeConsul::destroy_session(const std::string& id) {
    sessions_.erase(id);
    ++index_;
    for (auto& [key, entry] : store_) {
        if (entry.session == id) {
            entry.session.clear();
            entry.modify_index = index_;
        }
    }
    touch();
}

void FakeConsul::forget_services() {
    for (const std::string& id : service_ids()) {
        const std::string check = services_.at(id).service.check_id;
        services_.erase(id);
        check_fails(check);
    }
}

void FakeConsul::add_dead_service(const std::string& id, const std::string& name) {
    Service dead;
    dead.service.id = id;
    dead.service.name = name;
    dead.service.check_id = "service:" + id;
    services_[id] = dead;
}

std::vector<std::string> FakeConsul::service_ids() const {
    std::vector<std::string> ids;
    ids.reserve(services_.size());
    for (const auto& [id, service] : services_) {
        ids.push_back(id);
    }
    return ids;
}

bool FakeConsul::passes(const std::string& check) const {
    for (const auto& [id, service] : services_) {
        if (service.service.check_id == check) {
            return service.passing;
        }
    }
    return false;
}

void FakeConsul::check_fails(const std::string& check) {
    std::vector<std::string> hanging;
    for (const auto& [id, session] : sessions_) {
        for (const std::string& its_check : session.request.service_checks) {
            if (its_check == check) {
                hanging.push_back(id);
            }
        }
    }
    for (const std::string& id : hanging) {
        destroy_session(id);
    }
}

void FakeConsul::touch() {
    for (ports::Timer* reader : blocked_) {
        reader->wake();
    }
}

/// Empty: done; else why not. `store` carries the index that everything written gets.
std::string FakeConsul::apply(Store& store, const ports::TxnOp& operation) const {
    const auto write = [&](const std::string& key, const std::string& value) -> KvEntry& {
        KvEntry& entry = store[key];
        entry.key = key;
        entry.value = value;
        entry.create_index = entry.create_index == 0 ? index_ + 1 : entry.create_index;
        entry.modify_index = index_ + 1;
        return entry;
    };
    const auto session_of = [&](const std::string& key) {
        const auto it = store.find(key);
        return it == store.end() ? std::string() : it->second.session;
    };
    const auto index_of = [&](const std::string& key) {
        const auto it = store.find(key);
        return it == store.end() ? std::uint64_t{0} : it->second.modify_index;
    };
    return std::visit(
        Overloaded{
            [&](const ports::KvSet& op) {
                write(op.key, op.value);
                return std::string();
            },
            [&](const ports::KvCas& op) {
                if (index_of(op.key) != op.index) {
                    return "failed to set key \"" + op.key + "\", index is stale";
                }
                write(op.key, op.value);
                return std::string();
            },
            [&](const ports::KvDelete& op) {
                store.erase(op.key);
                return std::string();
            },
            [&](const ports::KvDeleteCas& op) {
                if (index_of(op.key) != op.index) {
                    return "failed to delete key \"" + op.key + "\", index is stale";
                }
                store.erase(op.key);
                return std::string();
            },
            [&](const ports::KvLock& op) {
                if (!sessions_.contains(op.session)) {
                    return "invalid session \"" + op.session + "\"";
                }
                const std::string holder = session_of(op.key);
                if (!holder.empty() && holder != op.session) {
                    return "failed to lock key \"" + op.key + "\", lock is already held";
                }
                write(op.key, op.value).session = op.session;
                return std::string();
            },
            [&](const ports::KvUnlock& op) {
                if (session_of(op.key) != op.session) {
                    return "failed to unlock key \"" + op.key + "\", lock isn't held";
                }
                write(op.key, op.value).session.clear();
                return std::string();
            },
            [&](const ports::KvCheckSession& op) {
                return session_of(op.key) == op.session ? std::string() : "failed session check";
            },
            [&](const ports::KvCheckIndex& op) {
                return op.index != 0 && index_of(op.key) == op.index ? std::string()
                                                                     : "failed index check";
            },
        },
        operation);
}

ports::TxnAnswer FakeConsul::transact(const std::vector<ports::TxnOp>& operations) {
    Store store = store_;
    ports::TxnAnswer answer;
    for (const ports::TxnOp& operation : operations) {
        std::string problem = apply(store, operation);
        if (!problem.empty()) {
            answer.errors.push_back(std::move(problem));
        }
    }
    answer.applied = answer.errors.empty();
    if (answer.applied) {
        store_ = std::move(store);
        ++index_;
        for (const auto& [key, entry] : store_) {
            if (entry.modify_index == index_) {
                answer.entries.push_back(entry);
            }
        }
        touch();
    }
    return answer;
}

/// The way to the server or back.
asio::awaitable<Result<void>> FakeConsulClient::cross() {
    co_await time_->sleep_for(latency);
    if (line == Line::silent) {
        co_await time_->sleep_for(std::chrono::hours(1));
    }
    if (line == Line::refused) {
        co_return Error{ErrorKind::unavailable, "connection refused"};
    }
    if (line == Line::denied) {
        co_return Error{ErrorKind::denied, "Permission denied"};
    }
    co_return ok();
}

asio::awaitable<void> FakeConsulClient::wait_for_change(Moment until) {
    const std::unique_ptr<ports::Timer> timer = time_->make_timer();
    struct Place {
        std::list<ports::Timer*>& list;
        std::list<ports::Timer*>::iterator at;
        ~Place() { list.erase(at); }
    };
    const Place place{consul_->blocked_,
                      consul_->blocked_.insert(consul_->blocked_.end(), timer.get())};
    co_await timer->wait_until(until);
}

FakeConsulClient::Answer<ports::Page<std::optional<KvEntry>>> FakeConsulClient::kv_get(
    std::string key, ports::BlockingQuery query) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    const Moment until = time_->now() + query.wait;
    ports::Page<std::optional<KvEntry>> page;
    for (;;) {
        page.value = consul_->get(key);
        page.index = page.value ? page.value->modify_index : consul_->index_;
        if (query.consistent || page.index > query.index || time_->now() >= until) {
            break;
        }
        co_await wait_for_change(until);
    }
    ROP_CO_TRY(co_await cross());
    co_return page;
}

FakeConsulClient::Answer<ports::Page<std::vector<KvEntry>>> FakeConsulClient::kv_list(
    std::string prefix, ports::BlockingQuery query) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    const Moment until = time_->now() + query.wait;
    ports::Page<std::vector<KvEntry>> page;
    for (;;) {
        page.value = consul_->list(prefix);
        page.index = page.value.empty() ? consul_->index_ : 0;
        for (const KvEntry& entry : page.value) {
            page.index = std::max(page.index, entry.modify_index);
        }
        if (query.consistent || page.index > query.index || time_->now() >= until) {
            break;
        }
        co_await wait_for_change(until);
    }
    ROP_CO_TRY(co_await cross());
    co_return page;
}

FakeConsulClient::Answer<ports::Page<std::vector<ports::ServiceEntry>>> FakeConsulClient::health(
    std::string, ports::BlockingQuery) {
    co_return Error{ErrorKind::rejected, "leadership does not ask for health"};
}

FakeConsulClient::Answer<ports::TxnAnswer> FakeConsulClient::txn(
    std::vector<ports::TxnOp> operations) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    ports::TxnAnswer answer = consul_->transact(operations);
    if (std::exchange(lose_next_txn_answer, false)) {
        co_return Error{ErrorKind::unavailable, "connection reset by peer"};
    }
    ROP_CO_TRY(co_await cross());
    co_return answer;
}

FakeConsulClient::Answer<std::string> FakeConsulClient::session_create(
    ports::SessionRequest request) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    for (const std::string& check : request.service_checks) {
        if (!consul_->passes(check)) {
            co_return Error{ErrorKind::rejected, "Check '" + check + "' is in critical state"};
        }
    }
    const std::string id = "session-" + std::to_string(++consul_->sessions_made_);
    FakeConsul::Session session;
    session.request = std::move(request);
    session.renewed = time_->now();
    consul_->sessions_[id] = std::move(session);
    ROP_CO_TRY(co_await cross());
    co_return id;
}

FakeConsulClient::Answer<bool> FakeConsulClient::session_renew(std::string session) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    const auto it = consul_->sessions_.find(session);
    const bool alive = it != consul_->sessions_.end();
    if (alive) {
        it->second.renewed = time_->now();
    }
    ROP_CO_TRY(co_await cross());
    co_return alive;
}

FakeConsulClient::Answer<void> FakeConsulClient::session_destroy(std::string session) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    consul_->destroy_session(session);
    co_return co_await cross();
}

FakeConsulClient::Answer<void> FakeConsulClient::register_service(ports::TtlService service) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    const std::string id = service.id;
    consul_->services_[id].service = std::move(service);
    co_return co_await cross();
}

FakeConsulClient::Answer<void> FakeConsulClient::pass_check(std::string check_id) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    if (refuse_beats) {
        co_return Error{ErrorKind::unavailable, "connection reset by peer"};
    }
    for (auto& [id, service] : consul_->services_) {
        if (service.service.check_id == check_id) {
            service.passed = time_->now();
            service.passing = true;
            co_return co_await cross();
        }
    }
    co_return Error{ErrorKind::rejected, "does not have associated TTL"};
}

FakeConsulClient::Answer<void> FakeConsulClient::deregister_service(std::string service_id) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    const auto it = consul_->services_.find(service_id);
    if (it != consul_->services_.end()) {
        const std::string check = it->second.service.check_id;
        consul_->services_.erase(it);
        consul_->check_fails(check);
    }
    co_return co_await cross();
}

FakeConsulClient::Answer<std::vector<ports::AgentService>> FakeConsulClient::agent_services(
    std::string name) {
    ++calls;
    ROP_CO_TRY(co_await cross());
    std::vector<ports::AgentService> services;
    for (const auto& [id, service] : consul_->services_) {
        if (service.service.name == name) {
            services.push_back({id, name, service.passing ? "passing" : "critical", {}});
        }
    }
    ROP_CO_TRY(co_await cross());
    co_return services;
}

FakeConsulClient::Answer<std::string> FakeConsulClient::agent_node() {
    co_return std::string("host-1");
}

}  // namespace rop::testing

#include "operator/consul/write.hpp"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "api/base/overloaded.hpp"
#include "operator/consul/base64.hpp"

namespace rop::consul {

namespace json = boost::json;

namespace {

json::object operation_object(const ports::TxnOp& operation) {
    json::object object{{"Verb", verb_of(operation)}, {"Key", key_of(operation)}};
    const auto put_value = [&](const std::string& value) {
        object["Value"] = base64_encode(value);
    };
    std::visit(
        Overloaded{[&](const ports::KvSet& set) { put_value(set.value); },
                   [&](const ports::KvCas& cas) {
                       put_value(cas.value);
                       object["Index"] = cas.index;
                   },
                   [&](const ports::KvDelete&) {},
                   [&](const ports::KvDeleteCas& del) { object["Index"] = del.index; },
                   [&](const ports::KvLock& lock) {
                       put_value(lock.value);
                       object["Session"] = lock.session;
                   },
                   [&](const ports::KvUnlock& unlock) {
                       put_value(unlock.value);
                       object["Session"] = unlock.session;
                   },
                   [&](const ports::KvCheckSession& check) { object["Session"] = check.session; },
                   [&](const ports::KvCheckIndex& check) { object["Index"] = check.index; }},
        operation);
    return object;
}

std::string in_ms(std::chrono::milliseconds span) {
    return std::to_string(span.count()) + "ms";
}

}  // namespace

std::string verb_of(const ports::TxnOp& operation) {
    return std::visit(Overloaded{[](const ports::KvSet&) { return "set"; },
                                 [](const ports::KvCas&) { return "cas"; },
                                 [](const ports::KvDelete&) { return "delete"; },
                                 [](const ports::KvDeleteCas&) { return "delete-cas"; },
                                 [](const ports::KvLock&) { return "lock"; },
                                 [](const ports::KvUnlock&) { return "unlock"; },
                                 [](const ports::KvCheckSession&) { return "check-session"; },
                                 [](const ports::KvCheckIndex&) { return "check-index"; }},
                      operation);
}

std::string key_of(const ports::TxnOp& operation) {
    return std::visit([](const auto& op) { return op.key; }, operation);
}

std::string write_txn(const std::vector<ports::TxnOp>& operations) {
    json::array list;
    for (const auto& operation : operations) {
        list.push_back(json::object{{"KV", operation_object(operation)}});
    }
    return json::serialize(list);
}

std::string write_session(const ports::SessionRequest& request) {
    json::array node_checks;  // Sent even when empty: left out, it means serfHealth.
    for (const auto& check : request.node_checks) {
        node_checks.emplace_back(check);
    }
    json::array service_checks;
    for (const auto& check : request.service_checks) {
        service_checks.push_back(json::object{{"ID", check}});
    }
    json::object session{{"Name", request.name},
                         {"Behavior", "release"},
                         {"LockDelay", in_ms(request.lock_delay)},
                         {"NodeChecks", std::move(node_checks)},
                         {"ServiceChecks", std::move(service_checks)}};
    if (request.ttl.count() > 0) {
        session["TTL"] = in_ms(request.ttl);
    }
    return json::serialize(session);
}

std::string write_service(const ports::TtlService& service) {
    json::object meta;
    for (const auto& [name, value] : service.meta) {
        meta[name] = value;
    }
    json::object check{{"CheckID", service.check_id},
                       {"Name", "beaten by the process itself"},
                       {"TTL", in_ms(service.ttl)},
                       {"DeregisterCriticalServiceAfter", in_ms(service.deregister_after)},
                       {"Status", "passing"}};
    const json::object registration{{"ID", service.id},
                                    {"Name", service.name},
                                    {"Address", service.address.host},
                                    {"Port", service.address.port},
                                    {"Meta", std::move(meta)},
                                    {"Check", std::move(check)}};
    return json::serialize(registration);
}

std::string write_rights(const std::vector<Right>& rights) {
    json::array list;
    for (const auto& right : rights) {
        list.push_back(json::object{
            {"Resource", right.resource}, {"Access", right.access}, {"Segment", right.segment}});
    }
    return json::serialize(list);
}

}  // namespace rop::consul

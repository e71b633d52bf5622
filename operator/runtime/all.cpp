#include "operator/runtime/all.hpp"

#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace rop::runtime {
namespace {

namespace asio = boost::asio;

/// Owned by the tasks that still run. The waiting caller only watches it: it is owned by `resume`
/// in turn, and a circle would leak when an event loop is torn down with tasks inside.
struct Gathering {
    std::list<asio::cancellation_signal> running;
    std::exception_ptr first_failure;
    std::function<void(std::exception_ptr)> resume;  // Set while the caller waits.

    void stop() {
        for (auto it = running.begin(); it != running.end();) {
            const auto next = std::next(it);  // Stopping may end the task and erase `it`.
            it->emit(asio::cancellation_type::terminal);
            it = next;
        }
    }

    void ended(std::list<asio::cancellation_signal>::iterator task, std::exception_ptr failure) {
        running.erase(task);
        if (failure && !first_failure) {
            first_failure = std::move(failure);
            stop();
        }
        if (running.empty() && resume) {
            std::exchange(resume, {})(first_failure);
        }
    }
};

/// Suspends the caller until the last task has ended, and throws what the first of them threw.
asio::awaitable<void> until_all_ended(std::weak_ptr<Gathering> watched) {
    auto initiate = [watched](auto handler) {
        const auto gathering = watched.lock();
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected()) {
            slot.assign([watched](asio::cancellation_type) {
                if (const auto still_running = watched.lock()) {
                    still_running->stop();
                }
            });
        }
        const auto kept = std::make_shared<decltype(handler)>(std::move(handler));
        gathering->resume = [kept](std::exception_ptr failure) {
            std::move (*kept)(std::move(failure));
        };
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr)>(
        std::move(initiate), asio::use_awaitable);
}

/// A task never ends inside this call: co_spawn hands its completion to the event loop.
std::weak_ptr<Gathering> start(const asio::any_io_executor& executor,
                               std::vector<asio::awaitable<void>> tasks) {
    const auto gathering = std::make_shared<Gathering>();
    for (auto& task : tasks) {
        const auto place = gathering->running.emplace(gathering->running.end());
        auto on_end = [gathering, place](std::exception_ptr failure) {
            gathering->ended(place, std::move(failure));
        };
        asio::co_spawn(executor, std::move(task),
                       asio::bind_cancellation_slot(place->slot(), std::move(on_end)));
    }
    return gathering;
}

}  // namespace

asio::awaitable<void> all(std::vector<asio::awaitable<void>> tasks) {
    if (tasks.empty()) {
        co_return;
    }
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const std::weak_ptr<Gathering> watched = start(executor, std::move(tasks));
    co_await until_all_ended(watched);
    // The tasks may have ended well although they were stopped: the caller still has to stop.
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
}

}  // namespace rop::runtime

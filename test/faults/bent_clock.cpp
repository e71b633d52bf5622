// Preloaded into an operator, it bends the clocks that the kernel shows to it: the wall clock is as
// many seconds off as stand in the file ROP_CLOCK_FILE (a double, which may change at any time),
// and the others run ROP_CLOCK_RATE times as fast, with which waiting for them takes accordingly
// shorter. Namespaces can do neither.

#include <cmath>
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace {

constexpr double second_ns = 1e9;

template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

double rate() {
    static const double read = [] {
        const char* text = std::getenv("ROP_CLOCK_RATE");
        return text != nullptr ? std::strtod(text, nullptr) : 1.0;
    }();
    return read;
}

double offset_seconds() {
    static const volatile double* const shared = []() -> const volatile double* {
        const char* path = std::getenv("ROP_CLOCK_FILE");
        const int file = path != nullptr ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file < 0) {
            return nullptr;
        }
        void* at = mmap(nullptr, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
        close(file);
        return at == MAP_FAILED ? nullptr : static_cast<const volatile double*>(at);
    }
    ();
    return shared != nullptr ? *shared : 0.0;
}

double seconds_of(const timespec& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / second_ns;
}

timespec time_of(double seconds) {
    const double whole = std::floor(seconds);
    return {static_cast<time_t>(whole), static_cast<long>((seconds - whole) * second_ns)};
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    static auto* const ask = real<int(clockid_t, timespec*)>("clock_gettime");
    const int failed = ask(clock, time);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        time->tv_sec += static_cast<time_t>(offset_seconds());
    } else if (failed == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)) {
        *time = time_of(seconds_of(*time) * rate());
    }
    return failed;
}

extern "C" int timerfd_settime(int timer, int flags, const itimerspec* wanted,
                               itimerspec* before) noexcept {
    static auto* const set = real<int(int, int, const itimerspec*, itimerspec*)>("timerfd_settime");
    itimerspec bent = *wanted;
    if ((flags & TFD_TIMER_ABSTIME) == 0) {
        const bool is_armed = wanted->it_value.tv_sec != 0 || wanted->it_value.tv_nsec != 0;
        bent.it_value = time_of(seconds_of(wanted->it_value) / rate());
        if (is_armed && bent.it_value.tv_sec == 0 && bent.it_value.tv_nsec == 0) {
            bent.it_value.tv_nsec = 1;  // Nothing at all would mean: never.
        }
    }
    return set(timer, flags, &bent, before);
}

extern "C" int epoll_wait(int poll, epoll_event* events, int most, int timeout) {
    static auto* const wait = real<int(int, epoll_event*, int, int)>("epoll_wait");
    return wait(poll, events, most,
                timeout > 0 ? static_cast<int>(std::ceil(timeout / rate())) : timeout);
}

// Runs a compiled board, pins and all.
//
// board lines INPUT OUTPUT: a line from a file.
//   INPUT: 32-bit words, each a level (bit 31) and how many clock cycles it lasts (bits 30 to 0).
//   OUTPUT: 64-bit words, a byte that the board sent (bits 7 to 0) and the cycle in which its stop
//   bit was sampled (from bit 8 on). Bytes whose stop bit is low have bit 63 set.
// board serve FD CLOCK: behind the pseudo-terminal FD, at the speed that is set there, with the
//   board's clock in Hz; until standard input ends. Then cycles and seconds on standard output.
//   While nothing happens, time stands still.
//
// Exit code 3: an assertion in the design failed (on stderr).

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>
#include <vector>

#include "top.h"

template <size_t N> static uint32_t low(const cxxrtl::value<N> &v) { return v.data[0]; }
template <size_t N> static uint32_t low(const cxxrtl::wire<N> &w) { return w.curr.data[0]; }

struct Checks : cxxrtl::performer {
    void on_check(cxxrtl::flavor type, bool condition, const cxxrtl::lazy_fmt &format,
                  const cxxrtl::metadata_map &) override {
        if (condition || type != cxxrtl::flavor::ASSERT) return;
        std::fprintf(stderr, "%s\n", format().c_str());
        std::exit(3);
    }
};

// The board, and what a serial adapter sees of its output.
struct Board {
    cxxrtl_design::p_top top;
    Checks checks;
    uint64_t cycle = 0;
    int bit = -1;        // of the byte being received; -1: none
    uint64_t sample = 0; // when it is sampled
    uint32_t byte = 0;
    bool arrived = false, wrong = false;

    bool sending() const { return bit >= 0; }
    bool running() const { return low(top.p_running); }
    uint32_t divisor() const { return low(top.p_divisor); }

    // One clock cycle; `arrived` when it ended a byte.
    void tick(bool rx) {
        top.p_rx.set<bool>(rx);
        top.eval(&checks); // a rising edge (see sim/compiled/program.py)
        top.commit();
        cycle++;
        arrived = false;
        const bool level = low(top.p_tx);
        if (bit < 0) {
            if (level) return;
            bit = 0;
            byte = 0;
            sample = cycle + divisor() / 2;
        } else if (cycle >= sample) {
            if (bit >= 1 && bit <= 8) byte |= uint32_t(level) << (bit - 1);
            if (bit == 9) {
                arrived = true;
                wrong = !level;
                bit = -1;
                return;
            }
            bit++;
            sample += divisor();
        }
    }
};

static int lines(Board &board, const char *from, const char *to) {
    std::FILE *in = std::fopen(from, "rb"), *out = std::fopen(to, "wb");
    if (!in) return 5;
    if (!out) return 6;
    uint32_t word;
    while (std::fread(&word, 4, 1, in) == 1)
        for (uint32_t left = word & 0x7fffffff; left; left--) {
            board.tick(word >> 31);
            if (!board.arrived) continue;
            uint64_t found = board.cycle << 8 | board.byte | uint64_t(board.wrong) << 63;
            std::fwrite(&found, 8, 1, out);
        }
    const bool full = std::ferror(out);
    return std::fclose(out) || full ? 6 : 0;
}

static double baud(int fd) {
    termios now;
    if (tcgetattr(fd, &now)) return 115200;
    static const struct {
        speed_t code;
        double value;
    } known[] = {
        {B9600, 9600},       {B19200, 19200},     {B38400, 38400}, {B57600, 57600},
        {B115200, 115200},   {B230400, 230400},
#ifdef B460800
        {B460800, 460800},   {B921600, 921600},
#endif
#ifdef B3000000
        {B1000000, 1000000}, {B1500000, 1500000}, {B2000000, 2000000}, {B3000000, 3000000},
#endif
    };
    const speed_t speed = cfgetospeed(&now);
    for (const auto &one : known)
        if (one.code == speed) return one.value;
    return 115200;
}

// Bytes from the host on their way to the board, at the speed of the adapter.
struct Adapter {
    std::deque<uint8_t> bytes;
    double period = 1, next = 0; // cycles of a bit; when the next one begins
    int bit = -1;
    bool level = true;

    bool active() const { return bit >= 0 || !bytes.empty(); }

    bool at(uint64_t cycle) {
        if (bit < 0) {
            if (bytes.empty()) return true;
            bit = 0;
            level = false;
            next = cycle + period;
        } else if (cycle >= next) {
            next += period;
            bit++;
            if (bit <= 8) level = bytes.front() >> (bit - 1) & 1;
            else level = true;
            if (bit == 10) {
                bytes.pop_front();
                bit = -1;
                return at(cycle);
            }
        }
        return level;
    }
};

static int serve(Board &board, int fd, double clock) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    Adapter adapter;
    uint64_t active = 0; // when something happened last
    double spent = 0;
    uint8_t chunk[4096];
    std::vector<uint8_t> answer; // goes to the host a round later: adapters are not faster
    for (;;) {
        const bool idle = !adapter.active() && !board.sending() && !board.running() &&
                          board.cycle - active > 100 * uint64_t(board.divisor()) + 4096;
        pollfd watched[] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
        if (poll(watched, 2, idle ? -1 : 0) < 0) return 7;
        if (watched[1].revents) { // standard input ended: nobody needs the board any more
            std::printf("%llu %.6f\n", (unsigned long long)board.cycle, spent);
            return 0;
        }
        if (watched[0].revents & POLLIN) {
            const ssize_t count = read(fd, chunk, sizeof chunk);
            for (ssize_t i = 0; i < count; i++) adapter.bytes.push_back(chunk[i]);
            active = board.cycle;
        } else if (idle) {
            usleep(1000); // hung up: nobody has opened the other end
            continue;
        }
        if (adapter.bit < 0) adapter.period = clock / baud(fd);
        for (size_t done = 0; done < answer.size();) {
            const ssize_t count = write(fd, answer.data() + done, answer.size() - done);
            if (count > 0) done += count;
            else usleep(100);
        }
        answer.clear();
        timespec begin, end;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        for (int left = 4096; left; left--) {
            board.tick(adapter.at(board.cycle));
            if (board.arrived) {
                active = board.cycle;
                answer.push_back(board.byte);
            }
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        spent += end.tv_sec - begin.tv_sec + 1e-9 * (end.tv_nsec - begin.tv_nsec);
        if (adapter.active() || board.running()) active = board.cycle;
    }
}

int main(int argc, char **argv) {
    static Board board;
    if (argc == 4 && !std::strcmp(argv[1], "lines")) return lines(board, argv[2], argv[3]);
    if (argc == 4 && !std::strcmp(argv[1], "serve"))
        return serve(board, std::atoi(argv[2]), std::atof(argv[3]));
    return 5;
}

// A board of one soft core and 64 KiB of block RAM, as C++; the core is CXXRTL, made by Yosys.
//
// board PROGRAM: runs the memory image. Every access takes two cycles, address and data, as block
// RAM behind a bus does. Prints the cycles between marks 1 and 2 for each inference, then the
// outputs. Exit code 4: cycle limit reached; 5: no program, or an access outside the RAM.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core.cc"

template <size_t N> static uint32_t low(const cxxrtl::value<N> &v) { return v.data[0]; }
template <size_t N> static uint32_t low(const cxxrtl::wire<N> &w) { return w.curr.data[0]; }

static const uint64_t LIMIT = 20000000;

struct Board {
    std::vector<uint32_t> ram = std::vector<uint32_t>(1 << 14);
    uint64_t cycle = 0, began = 0;
    bool stopped = false;

    uint32_t access(uint32_t address, bool write, uint32_t lanes, uint32_t data) {
        if (address >> 31) {
            if (write) device(address & 15, data);
            return 0;
        }
        if (address >> 16) std::exit(5);
        uint32_t &word = ram[address >> 2], mask = 0;
        for (int lane = 0; lane < 4; lane++) mask |= (lanes >> lane & 1) * (0xffu << (8 * lane));
        if (write) word = (word & ~mask) | (data & mask);
        return word;
    }

    void device(uint32_t address, uint32_t data) {
        if (address == 8) stopped = true;
        else if (address == 4) std::printf("output %d\n", (int)data);
        else if (data == 1) began = cycle;
        else std::printf("cycles %llu\n", (unsigned long long)(cycle - began));
    }
};

// One port of a core: a request answered in the cycle after it.
struct Port {
    bool answered = false;
    uint32_t data = 0;
    void cycle(Board &board, bool asks, uint32_t address, bool write, uint32_t lanes,
               uint32_t value) {
        answered = asks && !answered;
        if (answered) data = board.access(address, write, lanes, value);
    }
};

#ifdef VEXRISCV
typedef cxxrtl_design::p_VexRiscv Core;
static void idle(Core &core) {
    core.p_externalResetVector.data[0] = 0;
    core.p_timerInterrupt.data[0] = core.p_softwareInterrupt.data[0] = 0;
    core.p_externalInterruptArray.data[0] = 0;
    core.p_iBusWishbone__ERR.data[0] = core.p_dBusWishbone__ERR.data[0] = 0;
}
static void reset(Core &core, bool on) { core.p_reset.data[0] = on; }
static void serve(Core &core, Board &board, Port &code, Port &data) {
    code.cycle(board, low(core.p_iBusWishbone__CYC) & low(core.p_iBusWishbone__STB),
               low(core.p_iBusWishbone__ADR) << 2, false, 15, 0);
    data.cycle(board, low(core.p_dBusWishbone__CYC) & low(core.p_dBusWishbone__STB),
               low(core.p_dBusWishbone__ADR) << 2, low(core.p_dBusWishbone__WE),
               low(core.p_dBusWishbone__SEL), low(core.p_dBusWishbone__DAT__MOSI));
}
static void answer(Core &core, const Port &code, const Port &data) {
    core.p_iBusWishbone__ACK.data[0] = code.answered;
    core.p_iBusWishbone__DAT__MISO.data[0] = code.data;
    core.p_dBusWishbone__ACK.data[0] = data.answered;
    core.p_dBusWishbone__DAT__MISO.data[0] = data.data;
}
#else
typedef cxxrtl_design::p_picorv32 Core;
static void idle(Core &core) {
    core.p_pcpi__wr.data[0] = core.p_pcpi__rd.data[0] = core.p_pcpi__wait.data[0] = 0;
    core.p_pcpi__ready.data[0] = core.p_irq.data[0] = 0;
}
static void reset(Core &core, bool on) { core.p_resetn.data[0] = !on; }
static void serve(Core &core, Board &board, Port &code, Port &) {
    uint32_t lanes = low(core.p_mem__wstrb);
    code.cycle(board, low(core.p_mem__valid), low(core.p_mem__addr), lanes != 0, lanes,
               low(core.p_mem__wdata));
}
static void answer(Core &core, const Port &code, const Port &) {
    core.p_mem__ready.data[0] = code.answered;
    core.p_mem__rdata.data[0] = code.data;
}
#endif

int main(int argc, char **argv) {
    Board board;
    Port code, data;
    std::FILE *file = argc == 2 ? std::fopen(argv[1], "rb") : nullptr;
    if (!file || !std::fread(board.ram.data(), 1, 4 * board.ram.size(), file)) return 5;
    Core core;
    idle(core);
    for (; !board.stopped; board.cycle++) {
        if (board.cycle == LIMIT) return 4;
        reset(core, board.cycle < 4);
        core.p_clk.data[0] = 0;
        core.step();
        if (board.cycle >= 4) serve(core, board, code, data);
        core.p_clk.data[0] = 1;
        core.step();
        answer(core, code, data);
    }
    return 0;
}

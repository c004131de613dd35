// Runs a compiled engine: fills its memories, feeds inputs, writes down its probe words.
//
// driver INPUT OUTPUT; both are little-endian 32-bit words.
// INPUT: memories (count; each: name length, name padded to words, depth, 32-bit words per word,
// contents), bit numbers of `start` and `done` in the probe, cycle limit, inferences, words per
// inference, words of the input port.
// OUTPUT: for each inference: cycles, a probe record for each cycle, four counters.
// Exit code 3: an assertion in the design failed (on stderr); 4: cycle limit reached;
// 6: the output could not be written.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "top.h"

struct Memory {
    const char *name;
    uint32_t *words;
    size_t depth, chunks;
};

template <size_t N> static Memory slot(const char *name, cxxrtl::memory<N> &m) {
    return {name, m[0].data, m.depth, cxxrtl::value<N>::chunks};
}

template <size_t N> static uint32_t low(const cxxrtl::value<N> &v) { return v.data[0]; }
template <size_t N> static uint32_t low(const cxxrtl::wire<N> &w) { return w.curr.data[0]; }
template <size_t N> static const uint32_t *all(const cxxrtl::value<N> &v) { return v.data; }
template <size_t N> static const uint32_t *all(const cxxrtl::wire<N> &w) { return w.curr.data; }

#include "parts.h"

struct Checks : cxxrtl::performer {
    void on_check(cxxrtl::flavor type, bool condition, const cxxrtl::lazy_fmt &format,
                  const cxxrtl::metadata_map &) override {
        if (condition || type != cxxrtl::flavor::ASSERT) return;
        std::fprintf(stderr, "%s\n", format().c_str());
        std::exit(3);
    }
};

struct Reader {
    std::FILE *file;
    uint32_t word() {
        uint32_t w;
        if (std::fread(&w, 4, 1, file) != 1) std::exit(5);
        return w;
    }
    void words(uint32_t *to, size_t count) {
        if (count && std::fread(to, 4, count, file) != count) std::exit(5);
    }
};

static void fill_memories(Reader &in, cxxrtl_design::p_top &top) {
    const auto known = memories(top);
    for (uint32_t left = in.word(); left; left--) {
        uint32_t length = in.word();
        std::vector<uint32_t> name((length + 3) / 4);
        in.words(name.data(), name.size());
        std::string path(reinterpret_cast<char *>(name.data()), length);
        uint32_t depth = in.word(), chunks = in.word();
        const Memory *found = nullptr;
        for (const Memory &m : known)
            if (path == m.name) found = &m;
        if (!found) {
            std::fprintf(stderr, "no memory %s\n", path.c_str());
            std::exit(5);
        }
        if (found->depth < depth || found->chunks != chunks) std::exit(5);
        in.words(found->words, size_t(depth) * chunks);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 5;
    Reader in{std::fopen(argv[1], "rb")};
    std::FILE *out = std::fopen(argv[2], "wb");
    if (!in.file) return 5;
    if (!out) return 6;
    static cxxrtl_design::p_top top;
    static Checks checks;
    fill_memories(in, top);
    const uint32_t start = in.word(), done = in.word(), limit = in.word();
    const uint32_t inferences = in.word(), inputs = in.word();
    std::vector<uint32_t> x(size_t(inferences) * inputs);
    in.words(x.data(), x.size());

    std::vector<uint32_t> trace;
    uint32_t record[RECORD_WORDS];
    uint64_t cycle = 0;
    const auto bit = [&](uint32_t n) { return record[n / 32] >> (n % 32) & 1; };
    const auto tick = [&]() -> bool {
        top.eval(&checks);  // a rising edge (see sim/program.py); outputs are those before it
        top.commit();
        bool ready = low(top.p_iready);
        gather(top, record);
        if (++cycle > limit) std::exit(4);
        return ready;
    };
    top.p_oready.set<bool>(true);
    for (uint32_t n = 0; n < inferences; n++) {
        trace.clear();
        for (uint32_t i = 0; i < inputs; i++) {
            top.p_ivalid.set<bool>(true);
            top.p_ipayload.set<uint32_t>(x[size_t(n) * inputs + i]);
            while (!tick()) {}
        }
        top.p_ivalid.set<bool>(false);
        if (!bit(start)) return 5;
        for (;;) {
            trace.insert(trace.end(), record, record + RECORD_WORDS);
            if (bit(done)) break;
            tick();
        }
        uint32_t cycles = trace.size() / RECORD_WORDS;
        std::fwrite(&cycles, 4, 1, out);
        std::fwrite(trace.data(), 4, trace.size(), out);
        std::fwrite(all(top.p_counters), 4, 4, out);
    }
    const bool full = std::ferror(out);
    return std::fclose(out) || full ? 6 : 0;
}

// Sparse layers as C for a small RISC-V core: int8 CSC, zero activations skipped.
//
// The same integers as the engine: sums, round half to even, saturate to 8 bits, ReLU.

#include <stdint.h>

struct layer {
    int n_in, n_out, shift, relu;
    const uint16_t *start;
    const uint8_t *row;
    const int8_t *weight;
};

#include "network.h" // layers, LAYERS, input, WIDEST

// What the simulated board listens to: 1 before an inference, 2 after it; outputs; the end.
#define MARK (*(volatile uint32_t *)0x80000000)
#define OUTPUT (*(volatile uint32_t *)0x80000004)
#define STOP (*(volatile uint32_t *)0x80000008)

static int32_t sums[WIDEST];
static int8_t buffers[2][WIDEST];

static int8_t requantise(int32_t sum, int shift, int relu) {
    if (shift) {
        int32_t odd = (sum >> shift) & 1;
        sum = (sum + (1 << (shift - 1)) - 1 + odd) >> shift;
    }
    if (sum > 127) sum = 127;
    if (sum < -128) sum = -128;
    return relu && sum < 0 ? 0 : sum;
}

static void run_layer(const struct layer *l, const int8_t *in, int8_t *out) {
    for (int r = 0; r < l->n_out; r++) sums[r] = 0;
    for (int c = 0; c < l->n_in; c++) {
        int32_t a = in[c];
        if (!a) continue;
        const uint8_t *row = l->row + l->start[c], *end = l->row + l->start[c + 1];
        const int8_t *weight = l->weight + l->start[c];
        while (row < end) sums[*row++] += *weight++ * a;
    }
    for (int r = 0; r < l->n_out; r++) out[r] = requantise(sums[r], l->shift, l->relu);
}

int main(void) {
    const int8_t *values = input;
    // The second inference finds warm caches.
    for (int pass = 0; pass < 2; pass++) {
        MARK = 1;
        values = input;
        for (int n = 0; n < LAYERS; n++) {
            run_layer(&layers[n], values, buffers[n & 1]);
            values = buffers[n & 1];
        }
        MARK = 2;
    }
    for (int r = 0; r < layers[LAYERS - 1].n_out; r++) OUTPUT = values[r];
    STOP = 1;
    for (;;) {
    }
}

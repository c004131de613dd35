// Elsie's engine against the results and counters that are expected of it.
//
// Give and take wait at random; +seed=N for other waits, +wait=0 for none: then the cycle of every
// done is compared too. Says PASS, or what is wrong. For Icarus Verilog and Verilator.
/* verilator lint_off WIDTH */
`timescale 1ns / 1ns
module testbench;
  `include "parameters.vh"

  localparam SIZE = STREAMS << POSITION_WIDTH;  // results of a step, by stream and position

  reg clk = 0, rst = 1;
  always #5 clk = ~clk;

  reg input_valid = 0, output_ready = 0, load_valid = 0;
  reg [INPUT_WIDTH-1:0] input_payload = 0;
  reg [LOAD_WIDTH-1:0] load_payload = 0;
  wire input_ready, output_valid, done;
  wire [OUTPUT_WIDTH-1:0] output_payload;
  wire [127:0] counters;

  elsie engine (
      .clk(clk), .rst(rst), .done(done), .counters(counters),
      .input__valid(input_valid), .input__ready(input_ready), .input__payload(input_payload),
      .output__valid(output_valid), .output__ready(output_ready), .output__payload(output_payload),
      .load__valid(load_valid), .load__payload(load_payload));

  reg [INPUT_WIDTH-1:0] inputs[0:STEPS*INPUTS-1];
  reg [ACT_WIDTH-1:0] expected[0:STEPS*SIZE-1];
  reg [31:0] expected_counters[0:STEPS*5-1];  // cycles, macs, stalls, starved; cycle of done
  reg [LOAD_WIDTH-1:0] loads[0:LOADS];

  reg [ACT_WIDTH-1:0] results[0:SIZE-1];
  reg [OUTPUT_WIDTH-1:0] shown;
  reg waiting = 0, offered = 0;
  integer given = 0, loaded = 0, step = 0, since = 0, quiet = 0, wrong = 0, waits = 1, key, index;
  reg [31:0] random = 1;

  // One pseudorandom bit, of three ones in four; the same in every simulator.
  task next_bit(output value);
    begin
      random = random * 32'd1664525 + 32'd1013904223;
      value = waits == 0 || random[31:30] != 0;
    end
  endtask

  task fail(input [8*40-1:0] what);
    begin
      wrong = wrong + 1;
      if (wrong < 10) $display("step %0d: %0s", step, what);
    end
  endtask

  task clear;
    for (index = 0; index < SIZE; index = index + 1) results[index] = 0;
  endtask

  // Asked in every cycle: handshakes, then what they carry.
  task watch;
    begin
      if ((^{input_ready, output_valid, done, counters}) === 1'bx) fail("a port is X");
      if (output_valid && (^output_payload) === 1'bx) fail("an output is X");
      if (waiting && (!output_valid || output_payload !== shown)) fail("an output did not wait");
      waiting = output_valid && !output_ready;
      shown = output_payload;
      since = since + 1;
      quiet = quiet + 1;
      if (input_valid && input_ready) begin
        given = given + 1;
        offered = 0;
        if (given % INPUTS == 0) since = 0;
        quiet = 0;
      end
      if (output_valid && output_ready) begin
        key = output_payload >> (POSITION_WIDTH + ACT_WIDTH);  // the stream
        key = (key << POSITION_WIDTH) | output_payload[POSITION_WIDTH-1:0];
        if (results[key] != 0) fail("an output came twice");
        results[key] = output_payload[POSITION_WIDTH+:ACT_WIDTH];
        quiet = 0;
      end
      if (done) judge;
      if (quiet > LIMIT) begin
        $display("FAIL: nothing happened for %0d cycles in step %0d", LIMIT, step);
        $finish;
      end
    end
  endtask

  // A step is over: all results and counters.
  task judge;
    begin
      for (index = 0; index < SIZE; index = index + 1)
        if (results[index] !== expected[step*SIZE+index]) fail("a wrong output");
      for (index = 0; index < 4; index = index + 1)
        if (counters[32*index+:32] !== expected_counters[5*step+index]) fail("a wrong counter");
      if (waits == 0 && since != expected_counters[5*step+4]) fail("done in a wrong cycle");
      clear;
      quiet = 0;
      step = step + 1;
      if (step == STEPS) begin
        if (wrong == 0) $display("PASS: %0d steps", STEPS);
        else $display("FAIL: %0d faults", wrong);
        $finish;
      end
    end
  endtask

  initial begin
    if ($value$plusargs("seed=%d", random)) ;
    if ($value$plusargs("wait=%d", waits)) ;
    $readmemh("inputs.hex", inputs);
    $readmemh("expected.hex", expected);
    $readmemh("counters.hex", expected_counters);
    if (LOADS > 0) $readmemh("load.hex", loads, 0, LOADS - 1);
    clear;
    #32 rst = 0;
  end

  always @(posedge clk) if (!rst) watch;

  // Signals change in the middle of a cycle, so that no two processes race.
  reg offer, take;
  always @(negedge clk)
    if (!rst) begin
      next_bit(offer);
      next_bit(take);
      load_valid = 0;
      if (loaded < LOADS) begin
        if (input_ready) begin
          load_valid = 1;
          load_payload = loads[loaded];
          loaded = loaded + 1;
          quiet = 0;
        end
      end else if (given < STEPS * INPUTS && offer) offered = 1;
      input_valid = offered;
      if (offered) input_payload = inputs[given];
      output_ready = take;
    end
endmodule

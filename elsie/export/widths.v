// Operands as wide as Verilog makes them anyway, so that linters find nothing to say about widths.
// For Yosys' techmap; what is left as it is has equal widths already. A constant may have no bits.

(* techmap_celltype = "$add $sub $mul $and $or $xor" *)
module result_width(A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  parameter _TECHMAP_CELLTYPE_ = "";
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == Y_WIDTH && B_WIDTH == Y_WIDTH;
  wire [Y_WIDTH-1:0] a, b;
  generate
    if (A_WIDTH == 0) assign a = 0;
    else if (A_WIDTH >= Y_WIDTH) assign a = A[Y_WIDTH-1:0];
    else assign a = {{(Y_WIDTH - A_WIDTH){A_SIGNED && B_SIGNED ? A[A_WIDTH-1] : 1'b0}}, A};
    if (B_WIDTH == 0) assign b = 0;
    else if (B_WIDTH >= Y_WIDTH) assign b = B[Y_WIDTH-1:0];
    else assign b = {{(Y_WIDTH - B_WIDTH){A_SIGNED && B_SIGNED ? B[B_WIDTH-1] : 1'b0}}, B};
    case (_TECHMAP_CELLTYPE_)
      "$add": assign Y = a + b;
      "$sub": assign Y = a - b;
      "$mul": assign Y = a * b;
      "$and": assign Y = a & b;
      "$or": assign Y = a | b;
      default: assign Y = a ^ b;
    endcase
  endgenerate
endmodule

(* techmap_celltype = "$eq $ne $lt $le $gt $ge" *)
module common_width(A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  parameter _TECHMAP_CELLTYPE_ = "";
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == B_WIDTH;
  localparam WIDTH = A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH;
  wire [WIDTH-1:0] a, b;
  generate
    if (A_WIDTH == 0) assign a = 0;
    else if (A_WIDTH == WIDTH) assign a = A;
    else assign a = {{(WIDTH - A_WIDTH){A_SIGNED && B_SIGNED ? A[A_WIDTH-1] : 1'b0}}, A};
    if (B_WIDTH == 0) assign b = 0;
    else if (B_WIDTH == WIDTH) assign b = B;
    else assign b = {{(WIDTH - B_WIDTH){A_SIGNED && B_SIGNED ? B[B_WIDTH-1] : 1'b0}}, B};
    if (A_SIGNED && B_SIGNED) begin
      case (_TECHMAP_CELLTYPE_)
        "$eq": assign Y = a == b;
        "$ne": assign Y = a != b;
        "$lt": assign Y = $signed(a) < $signed(b);
        "$le": assign Y = $signed(a) <= $signed(b);
        "$gt": assign Y = $signed(a) > $signed(b);
        default: assign Y = $signed(a) >= $signed(b);
      endcase
    end else begin
      case (_TECHMAP_CELLTYPE_)
        "$eq": assign Y = a == b;
        "$ne": assign Y = a != b;
        "$lt": assign Y = a < b;
        "$le": assign Y = a <= b;
        "$gt": assign Y = a > b;
        default: assign Y = a >= b;
      endcase
    end
  endgenerate
endmodule

(* techmap_celltype = "$shl $shr $sshl $sshr $shift" *)
module shifted_width(A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  parameter _TECHMAP_CELLTYPE_ = "";
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == Y_WIDTH || B_SIGNED;
  localparam WIDTH = A_WIDTH > Y_WIDTH ? A_WIDTH : Y_WIDTH;
  wire [WIDTH-1:0] a, y;
  generate
    if (A_WIDTH == 0) assign a = 0;
    else if (A_WIDTH == WIDTH) assign a = A;
    else assign a = {{(WIDTH - A_WIDTH){A_SIGNED ? A[A_WIDTH-1] : 1'b0}}, A};
    case (_TECHMAP_CELLTYPE_)
      "$shl", "$sshl": assign y = a << B;
      "$sshr": if (A_SIGNED) assign y = $signed(a) >>> B; else assign y = a >> B;
      default: assign y = a >> B;
    endcase
  endgenerate
  assign Y = y[Y_WIDTH-1:0];
endmodule

(* techmap_celltype = "$logic_not" *)
module nothing_set(A, Y);
  parameter A_SIGNED = 0, A_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == 1;
  assign Y = ~(|A);
endmodule

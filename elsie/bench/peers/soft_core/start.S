# Memory is loaded as one image; there is nothing to set up but the stack.
    .section .text.start
    .global _start
_start:
    la sp, stack_top
    call main
1:  j 1b

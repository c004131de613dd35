"""What a manifest's JSON is likely to say; it stands before it when it is deflated."""

PHRASES = (
    # Of the compiler's report.
    b'"warnings":["the engine does not compute what the float network does (90.6 % the same '
    b"class, relative error 0.259, on 32 held-out calibration samples): layer fc1 is pruned to "
    b"10.0 % of its weights; use --effort normal or best, raise its density, or prune in steps and "
    b"train between suffers most from 4-bit codebook weights; use --weights fixed --code-width 12, "
    b"or train for "
    b'such weights"],"notes":["ends with a Softmax","delta":null,"evaluate":null,'
    b'"accuracy":{"float":97.5,"golden":97.222,"pruned":97.222,"quantised":97.222},"balanced":"pe",'
    b'"r2":{"rmse":{"exact_match":{"label_accuracy":{"held_out":false,"refitted":false,'
    b'"kind":"lstm","lost":0,"kind":"gru","lost":0,"strategy":"row_mod_n","lpt",'
    b'"activation":"sigmoid","activation":"tanh","kind":"lstm","kind":"gru","projected":true,'
    b'"mac":"log","mac":"fixed","mac":"ternary","mac":"log-sqrt2","entry_memory":"spram",'
    b'"cells":64,"delta":true,"functions":true,"streams":2,"hx8k","icebreaker","ulx3s-85f",'
    # The whole of one.
    b'{"config":{"acc_width":35,"act_depth":64,"act_lists":2,"act_width":16,"bias_depth":102,'
    b'"broadcast_stages":0,"cells":0,"code_width":4,"column_depth":256,"delta":false,'
    b'"entry_depth":512,"entry_memory":"block","entry_stages":1,"functions":false,"group":2,'
    b'"layers":3,"mac":"codebook","multiplier_stages":2,"pes":4,"queue_depth":8,"row_depth":32,'
    b'"run_width":4,"shift_high":16,"shift_low":15,"state_frac":12,"streams":1,"weight_width":16},'
    b'"head":null,"info":{"accuracy":{"float":98.333,"golden":98.056,"pruned":98.333,'
    b'"quantised":98.056},"balanced":null,"board":null,"compression_ratio":15.807,"layers":['
    b'{"density":0.1,"entries":860,"entries_per_pe":[216,218,213,215],"mse":0.00027,"name":"fc1",'
    b'"nnz":819,"padding":43},{"density":0.1,"entries":820,"entries_per_pe":[199,208,204,208],'
    b'"mse":0.0012,"name":"fc2","nnz":805,"padding":14},{"density":0.25,"entries":64,'
    b'"entries_per_pe":[17,16,15,16],"mse":0.0,"name":"fc3","nnz":64,"padding":0}],"notes":[],'
    b'"quality":{"agreement":93.75,"held_out":true,"refitted":true,"relative_error":0.125,'
    b'"samples":32},"size_bits":{"dense":551232,"stored":36228},"strategy":"search","warnings":[]},'
    b'"input_frac":[],"layers":[{"activation":"relu","in_frac":14,"kind":"dense","n_back":0,'
    b'"n_in":64,"n_out":128,"name":"fc1","out_frac":14,"projected":false,"shift":15,"threshold":0,'
    b'"weight_frac":15},{"activation":"relu","in_frac":14,"kind":"dense","n_back":0,"n_in":128,'
    b'"n_out":64,"name":"fc2","out_frac":13,"projected":false,"shift":16,"threshold":0,'
    b'"weight_frac":15},{"activation":"identity","in_frac":13,"kind":"dense","n_back":0,"n_in":64,'
    b'"n_out":10,"name":"fc3","out_frac":11,"projected":false,"shift":15,"threshold":0,'
    b'"weight_frac":13}],"name":"network","threshold":0}'
)
"""Part of the format: never to be changed within a version."""

s/if (judge_end(wal, index, bits > 1, &frame, err))/if (index < 0 \&\& judge_end(wal, index, bits > 1, \&frame, err))/
s/struct bit bit = find_bit(wal, frame);/struct bit bit = find_bit(wal, frame);\n        bit.count = 0;/

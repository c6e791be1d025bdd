-- Says how many bytes of rows may wait while pages are given out. ARGV[3] = bytes. Answers 1.

if book.rows_limit == ARGV[3] then return 1 end -- it is said in every round of a steward
use_reserve()
note_book('rows_limit', ARGV[3])
return 1

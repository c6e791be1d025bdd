-- Says how many bytes of rows may wait while pages are given out. ARGV[3] = bytes. Answers 1.

use_reserve()
note_book('rows_limit', ARGV[3])
return 1

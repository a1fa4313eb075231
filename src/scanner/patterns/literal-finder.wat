;; The inner loop of literal-finder.ts, which defines the memory layout. `npm run wasm` makes literal-finder.wasm of it.
(module
  (import "finder" "memory" (memory 1))

  ;; A byte for each hash: whether a gram has it.
  (global $known i32 (i32.const 0))
  ;; Four bytes for each hash: the address of its first gram.
  (global $heads i32 (i32.const 0x10000))
  ;; Sixteen bytes for the low halves of a byte, sixteen for the high ones: they share a bit when such a byte may be in
  ;; the four bytes that are the rarest of a literal.
  (global $lows i32 (i32.const 0x50000))
  (global $highs i32 (i32.const 0x50010))

  ;; The offset at which the last search ended.
  (global $next (export "next") (mut i32) (i32.const 0))

  ;; The hash of three bytes. It ignores the case of letters.
  (func $hashAt (param $at i32) (result i32)
    (i32.shr_u
      (i32.mul
        (i32.or (i32.load align=1 (local.get $at)) (i32.const 0x202020))
        (i32.const 0x3779b100))
      (i32.const 16)))

  (func $isKnownAt (param $at i32) (result i32)
    (i32.load8_u (i32.add (global.get $known) (call $hashAt (local.get $at)))))

  ;; Writes each literal that may begin near an offset. Returns the end of the output.
  (func $tell (param $at i32) (param $out i32) (result i32)
    (local $gram i32)
    (local.set $gram
      (i32.load (i32.add (global.get $heads) (i32.shl (call $hashAt (local.get $at)) (i32.const 2)))))
    (block $done
      (loop $grams
        (br_if $done (i32.eqz (local.get $gram)))
        ;; The four bytes that are the rarest of the literal.
        (if (i32.eq
              (i32.or
                (i32.load align=1 (i32.sub (local.get $at) (i32.load offset=4 (local.get $gram))))
                (i32.const 0x20202020))
              (i32.load (local.get $gram)))
          (then
            (i32.store (local.get $out) (i32.load offset=8 (local.get $gram)))
            (i32.store offset=4 (local.get $out)
              (i32.sub (local.get $at) (i32.load offset=12 (local.get $gram))))
            (local.set $out (i32.add (local.get $out) (i32.const 8)))))
        (local.set $gram (i32.load offset=16 (local.get $gram)))
        (br $grams)))
    (local.get $out))

  ;; A bit for each of sixteen bytes: set when it can't be in a literal's four rarest.
  (func $strangersAt (param $at i32) (result i32)
    (local $bytes v128)
    (local.set $bytes (v128.load align=1 (local.get $at)))
    (i8x16.bitmask
      (i8x16.eq
        (v128.and
          (i8x16.swizzle
            (v128.load (global.get $lows))
            (v128.and (local.get $bytes) (v128.const i8x16 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15)))
          (i8x16.swizzle (v128.load (global.get $highs)) (i8x16.shr_u (local.get $bytes) (i32.const 4))))
        (v128.const i64x2 0 0))))

  ;; Whether four adjacent bytes, of the nineteen from the one before an offset, can be a literal's four rarest.
  (func $isLikelyAt (param $at i32) (result i32)
    (local $strangers i32)
    (local.set $strangers
      (i32.or
        (call $strangersAt (i32.sub (local.get $at) (i32.const 1)))
        (i32.shl (call $strangersAt (i32.add (local.get $at) (i32.const 15))) (i32.const 16))))
    (local.set $strangers
      (i32.or (local.get $strangers) (i32.shr_u (local.get $strangers) (i32.const 1))))
    (local.set $strangers
      (i32.or (local.get $strangers) (i32.shr_u (local.get $strangers) (i32.const 2))))
    (i32.ne (i32.and (local.get $strangers) (i32.const 0xffff)) (i32.const 0xffff)))

  ;; Whether the hash of one of four offsets is known.
  (func $isOneKnownAt (param $at i32) (result i32)
    (i32.or
      (i32.or
        (call $isKnownAt (local.get $at))
        (call $isKnownAt (i32.add (local.get $at) (i32.const 2))))
      (i32.or
        (call $isKnownAt (i32.add (local.get $at) (i32.const 4)))
        (call $isKnownAt (i32.add (local.get $at) (i32.const 6))))))

  ;; Searches at every second offset from `at` and before `end`, until the output passes `full`. Returns like `tell`.
  (func (export "search") (param $at i32) (param $end i32) (param $out i32) (param $full i32) (result i32)
    (local $stop i32)
    (block $done
      (loop $more
        ;; Skips sixteen bytes at once while nothing is found.
        (block $known
          (loop $unknown
            (br_if $known (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
            (if (call $isLikelyAt (local.get $at))
              (then
                (br_if $known
                  (i32.or
                    (call $isOneKnownAt (local.get $at))
                    (call $isOneKnownAt (i32.add (local.get $at) (i32.const 8)))))))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br $unknown)))
        (local.set $stop (i32.add (local.get $at) (i32.const 16)))
        (loop $each
          (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
          (br_if $done (i32.gt_u (local.get $out) (local.get $full)))
          (if (call $isKnownAt (local.get $at))
            (then (local.set $out (call $tell (local.get $at) (local.get $out)))))
          (local.set $at (i32.add (local.get $at) (i32.const 2)))
          (br_if $each (i32.lt_u (local.get $at) (local.get $stop))))
        (br $more)))
    (global.set $next (local.get $at))
    (local.get $out)))

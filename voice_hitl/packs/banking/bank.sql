-- A small bank. `today()` is given by bank.py, so that charges are always recent.

CREATE TABLE customers (
  phone TEXT PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
  phone TEXT NOT NULL REFERENCES customers,
  kind TEXT NOT NULL,              -- checking, savings, money_market; credit: cents owed
  cents INTEGER NOT NULL CHECK (cents >= 0),
  PRIMARY KEY (phone, kind)
) STRICT;

CREATE TABLE cards (
  phone TEXT NOT NULL REFERENCES customers,
  kind TEXT NOT NULL,              -- debit, credit
  last_four TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'active',  -- active, blocked
  PRIMARY KEY (phone, kind)
) STRICT;

CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  phone TEXT NOT NULL REFERENCES customers,
  card TEXT NOT NULL,
  ordered_on TEXT NOT NULL,
  due_on TEXT NOT NULL
) STRICT;

CREATE TABLE charges (
  id INTEGER PRIMARY KEY,
  phone TEXT NOT NULL REFERENCES customers,
  card TEXT NOT NULL,
  merchant TEXT NOT NULL,          -- key of the slot `merchant`
  name TEXT NOT NULL,              -- as it is spoken
  cents INTEGER NOT NULL,
  day TEXT NOT NULL
) STRICT;

CREATE TABLE cases (
  id INTEGER PRIMARY KEY,
  phone TEXT NOT NULL REFERENCES customers,
  kind TEXT NOT NULL,              -- dispute, fraud
  charge_id INTEGER REFERENCES charges,
  card TEXT,
  reason TEXT,
  opened_on TEXT NOT NULL
) STRICT;

CREATE TABLE transfers (
  id INTEGER PRIMARY KEY,
  phone TEXT NOT NULL REFERENCES customers,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  cents INTEGER NOT NULL CHECK (cents > 0),
  day TEXT NOT NULL
) STRICT;

-- What was done, so that an action that is tried again is not done again.
CREATE TABLE actions (
  action_id TEXT PRIMARY KEY,
  report TEXT NOT NULL,
  result TEXT NOT NULL             -- JSON
) STRICT;

CREATE TABLE branches (
  name TEXT PRIMARY KEY,           -- key of the slot `branch`
  address TEXT NOT NULL,
  weekdays TEXT NOT NULL,
  saturday TEXT,                   -- NULL: closed
  sunday TEXT
) STRICT;

INSERT INTO customers VALUES
  ('+15550100', 'Alice Carter'),   ('+15550101', 'Ben Foster'),
  ('+15550102', 'Carla Gomez'),    ('+15550103', 'David Hughes'),
  ('+15550104', 'Emma Ingram'),    ('+15550105', 'Frank Jensen'),
  ('+15550106', 'Grace Kim'),      ('+15550107', 'Henry Lopez'),
  ('+15550108', 'Irene Moore'),    ('+15550109', 'James Novak'),
  ('+15550110', 'Karen Olsen'),    ('+15550111', 'Leo Park'),
  ('+15550112', 'Maria Quinn'),    ('+15550113', 'Nick Reyes'),
  ('+15550114', 'Olivia Stone'),   ('+15550115', 'Peter Tran'),
  ('+15550116', 'Rosa Upton'),     ('+15550117', 'Sam Vogel'),
  ('+15550118', 'Tina Walsh'),     ('+15550119', 'Victor Young');

INSERT INTO accounts SELECT phone, kind, cents FROM customers, (
  SELECT 'checking' AS kind, 284050 AS cents UNION ALL
  SELECT 'savings', 620000 UNION ALL
  SELECT 'credit', 31275
);
-- Every other customer has a money market account.
INSERT INTO accounts SELECT phone, 'money_market', 1500000 FROM customers
  WHERE CAST(substr(phone, -1) AS INTEGER) % 2 = 0;

-- Debit cards of the first customers end in 4321, 5432, ...; see docs/packs.md.
INSERT INTO cards (phone, kind, last_four)
  SELECT phone, 'debit', substr('4321543265437654876598762468135797538642', 1 + 4 * (CAST(substr(phone, -2) AS INTEGER) % 10), 4)
  FROM customers;
INSERT INTO cards (phone, kind, last_four)
  SELECT phone, 'credit', substr('9018812772366345545446633772289119083057', 1 + 4 * (CAST(substr(phone, -2) AS INTEGER) % 10), 4)
  FROM customers;

-- Every fifth customer waits for a card.
INSERT INTO deliveries (phone, card, ordered_on, due_on)
  SELECT phone, 'debit', date(today(), '-4 days'), date(today(), '+3 days') FROM customers
  WHERE CAST(substr(phone, -2) AS INTEGER) % 5 = 2;

INSERT INTO charges (phone, card, merchant, name, cents, day)
  SELECT phone, card, merchant, merchant_name, cents, date(today(), day_offset) FROM customers, (
    SELECT 'debit' AS card, 'corner_coffee' AS merchant, 'corner coffee' AS merchant_name, 1250 AS cents, '-2 days' AS day_offset UNION ALL
    SELECT 'debit', 'corner_coffee', 'corner coffee', 1250, '-2 days' UNION ALL
    SELECT 'debit', 'green_market', 'green market', 8430, '-4 days' UNION ALL
    SELECT 'debit', 'city_parking', 'city parking', 900, '-5 days' UNION ALL
    SELECT 'credit', 'sunset_gym', 'sunset gym', 4500, '-6 days' UNION ALL
    SELECT 'credit', 'blue_sky_airlines', 'blue sky airlines', 38900, '-7 days' UNION ALL
    SELECT 'debit', 'river_books', 'river books', 3275, '-9 days' UNION ALL
    SELECT 'debit', 'main_street_pharmacy', 'main street pharmacy', 2140, '-10 days' UNION ALL
    SELECT 'credit', 'golden_dragon', 'golden dragon', 6800, '-11 days' UNION ALL
    SELECT 'debit', 'quick_gas', 'quick gas', 5200, '-12 days' UNION ALL
    SELECT 'debit', 'star_cinema', 'star cinema', 2800, '-14 days' UNION ALL
    SELECT 'credit', 'cloud_music', 'cloud music', 1099, '-15 days' UNION ALL
    SELECT 'credit', 'super_electronics', 'super electronics', 74900, '-1 days' UNION ALL
    SELECT 'debit', 'home_and_garden', 'home and garden', 11860, '-18 days' UNION ALL
    SELECT 'debit', 'pet_palace', 'pet palace', 4620, '-20 days' UNION ALL
    SELECT 'debit', 'metro_taxi', 'metro taxi', 2350, '-22 days' UNION ALL
    SELECT 'credit', 'ocean_hotel', 'ocean hotel', 42000, '-25 days'
  );

INSERT INTO branches VALUES
  ('downtown', 'twelve main street', 'nine to five', 'ten to two', NULL),
  ('riverside', 'forty river road', 'nine to six', 'ten to two', NULL),
  ('university', 'three campus square', 'ten to six', NULL, NULL),
  ('airport', 'terminal two, next to the arrivals hall', 'seven to nine', 'eight to eight', 'eight to eight');

"""Own sentences for every English rule: what it has to find, and what looks alike and is right."""

from pathlib import Path

from trusthub.domain.wording import Linter
from trusthub.services import wording

LINTER: Linter = wording.load(Path(__file__).parents[2] / "templates")

SAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "A01": (
        [
            "Search is slow for customers in Asia.",
            "Uploads work again. Thank you for waiting.",
            "We restarted the mailer.",
        ],
        [
            "We are very sorry that search was slow.",
            "Our apologies for the lost drafts.",
            "We let you down on Tuesday.",
            "You trusted us and this was our mistake.",
            "We deeply regret that your mail was late.",
        ],
    ),
    "A02": (
        [
            "Sorry if this broke your workflow.",
            "We apologise to anyone who may have lost a draft.",
            "Should this have affected you, we are sorry.",
            "We understand how frustrating this might be.",
            "Our apologies for any disruption to your day.",
            "If your booking failed, we apologise.",
            "We regret any trouble this could have caused.",
        ],
        [
            "We are sorry that bookings failed. If one is still missing, write to us.",
            "We apologise to everyone whose draft was lost.",
            "Any customer can ask for the log. We are sorry it is late.",
            "We apologise for the delay and will write again if the backlog grows.",
            "You may see old prices until 12:00 UTC.",
        ],
    ),
    "A03": (
        [
            "We are sorry for any inconvenience.",
            "Apologies for any possible inconvenience!",
            "Forgive any inconveniences.",
        ],
        ["We are sorry that you had to enter it twice.", "The convenience store app was not affected."],
    ),
    "A04": (
        [
            "Sorry for the inconvenience.",
            "We regret the inconvenience caused by this.",
            "We understand the inconvenience.",
        ],
        ["We are sorry for the eleven lost bookings.", "A second sign-in is inconvenient, so we removed it."],
    ),
    "A05": (
        [
            "We are sorry, but our supplier failed.",
            "We apologise, however this is rare.",
            "Sorry, although nobody complained.",
        ],
        ["We are sorry. Our supplier failed.", "Search failed, but checkout worked. We are sorry about search."],
    ),
    "A06": (
        [
            "We are sorry you feel disappointed.",
            "We apologise for the confusion.",
            "Sorry that some users were frustrated.",
        ],
        [
            "We are sorry that we named the wrong day.",
            "Our note confused people: it named the wrong day. We are sorry.",
        ],
    ),
    "A07": (
        ["The loss of drafts is regrettable.", "Apologies are extended to all schools.", "It was very unfortunate."],
        ["We regret that we lost drafts.", "We extended the deadline for all schools."],
    ),
    "A08": (
        ["We apologise. More at 10:00 UTC.", "We sincerely apologize and work on it.", "Our apologies."],
        ["We apologise for the lost drafts.", "Your drafts were lost. We apologise."],
    ),
    "A09": (
        ["Thank you for your patience.", "We appreciate your understanding.", "Your patience is appreciated."],
        ["We are sorry for the wait. Thank you for your patience.", "Thank you to the nine people who wrote to us."],
    ),
    "A10": (
        ["We are happy to report that search is back.", "Good news: search is back.", "We are thrilled to share this."],
        ["Search works again since 10:20 UTC.", "You will be happy with either button."],
    ),
    "R01": (
        ["The cause was a faulty index.", "Search failed from 09:00 to 09:40 UTC.", "The root cause has been removed."],
        ["We changed the index without a test.", "A bug in our indexer dropped rows.", "It was our own release 7.1."],
    ),
    "R02": (
        [
            "Errors were made in the set-up.",
            "A wrong rule was pushed at noon.",
            "Delays may be experienced by schools.",
            "A bug was introduced on 3 May.",
        ],
        ["We pushed a wrong rule at 12:00 UTC.", "The rule was removed at 12:30 UTC.", "No draft was lost."],
    ),
    "R03": (
        [
            "The failure was caused by our hosting provider.",
            "Mail was late because of our email vendor.",
            "This was beyond our control.",
            "Our payment partner is at fault.",
        ],
        [
            "Mail was late because of our email vendor. We had no fallback, and that is on us.",
            "We changed the DNS provider on 3 May 2026.",
            "We caused this by switching vendors without a test.",
        ],
    ),
    "R04": (
        [
            "This happened because users uploaded damaged files.",
            "It was due to customers exceeding their limits.",
            "The cause was a user error.",
        ],
        ["Our importer did not check for damaged files.", "We set the limit below what you need."],
    ),
    "R06": (
        ["This was probably caused by the cache.", "It appears to be a DNS issue.", "We suspect the cause is a disk."],
        [
            "We do not know the cause yet.",
            "The cause is the release of 09:00 UTC; we have confirmed it.",
            "We think the repair will take an hour.",
        ],
    ),
    "R07": (
        ["A technician mistakenly cut the cable.", "The outage came from human error.", "A fat-finger mistake did it."],
        ["Our runbook lacked a check before the cut.", "A technician repaired the cable at 10:00 UTC."],
    ),
    "I01": (
        [
            "We are looking into this problem.",
            "The incident has been resolved.",
            "We are aware of an issue with Reports.",
            "Error rates have returned to normal.",
        ],
        [
            "Reports load slowly for schools in Asia.",
            "You cannot book a room at the moment.",
            "There are issues logging in to Reports.",
            "Bookings can be made again.",
        ],
    ),
    "I02": (
        ["Some schools cannot book rooms.", "Bookings fail for people in Asia."],
        [
            "31 of 400 schools cannot book rooms.",
            "About 4 % of bookings failed.",
            "No customers were affected.",
            "We do not know yet how many bookings failed.",
        ],
    ),
    "I03": (
        ["Bookings have failed for a while.", "Bookings failed at 09:12.", "Bookings failed for two hours."],
        [
            "Bookings have failed since 09:12 UTC on 3 May 2026.",
            "From 9:12 AM to 9:40 AM PDT bookings failed.",
            "Start: 2026-05-03T09:12Z.",
        ],
    ),
    "I04": (
        [
            "A small number of schools lost drafts.",
            "This brief outage is over.",
            "There was a minor issue.",
            "Only a few people noticed.",
            "It affected a handful of accounts.",
        ],
        [
            "A small number of schools (3 of 400) lost drafts.",
            "Search was down for 4 minutes.",
            "A minor version follows.",
            "Only search was affected.",
            "Some requests failed.",
        ],
    ),
    "I05": (
        ["You may have seen old prices.", "Mail could have been lost."],
        ["You may see old prices until 12:00 UTC.", "312 messages were lost."],
    ),
    "I06": (
        [
            "We are investigating this issue.",
            "The issue has been resolved.",
            "A fix has been deployed and we are monitoring.",
            "We are still working on a fix.",
        ],
        [
            "We are investigating why bookings fail.",
            "The issue with bookings was resolved at 10:10 UTC.",
            "We have ruled out the database and look at the cache now.",
        ],
    ),
    "I07": (
        ["Bookings work again since 10:10 UTC.", "The repair is complete."],
        [
            "Bookings work again. No data was lost.",
            "Bookings work again; 12 were made twice and we removed the copies.",
        ],
    ),
    "T01": (
        ["Bookings fail.", "We will write again.", "We will post an update when we know more."],
        [
            "Bookings fail. Next update by 10:30 UTC.",
            "We will write again within 20 minutes.",
            "We will post another update at 3 PM PDT.",
            "Next update in half an hour.",
        ],
    ),
    "T02": (
        [
            "The repair will be live soon.",
            "We will write again as soon as we know more.",
            "More details will follow in due course.",
            "We'll share news once we have it.",
            "We expect recovery in a few hours.",
            "We will keep you posted.",
            "Updates will be provided as needed.",
            "We are working to restore search as quickly as possible.",
        ],
        [
            "The repair will be live by 10:30 UTC.",
            "Search failed shortly after 09:00 UTC.",
            "It ended sooner than expected.",
            "As soon as we noticed, we stopped the release.",
            "We will write again within 20 minutes.",
        ],
    ),
    "T03": (
        ["Search will be back at 11:00 UTC.", "All drafts should be restored by 16:00 UTC."],
        ["We expect search back between 10:30 and 11:00 UTC.", "Next update at 11:00 UTC."],
    ),
    "T04": (
        ["Search failed yesterday.", "We will repair it tonight.", "The review comes on Friday."],
        ["Search failed on 2 May 2026.", "The review comes on Friday, 8 May 2026.", "The report runs every Friday."],
    ),
    "T05": (
        ["Search failed at 09:12.", "It ended at 2:40 PM.", "We start at 10:00 IST."],
        ["Search failed at 09:12 UTC.", "It ended at 14:40 UTC (10:40 in New York).", "Version 4.10 is out."],
    ),
    "T06": (
        ["We will improve our checks.", "Our team will review the alerts.", "We plan to add a second path."],
        ["We will add a second path by 1 June 2026.", "We added a second path on 3 May 2026."],
    ),
    "C01": (
        [
            "We will make sure this never happens again.",
            "We guarantee a perfect service.",
            "Expect 100% uptime.",
            "We ensure that this cannot recur.",
        ],
        [
            "A check now stops such a release.",
            "We have never sold your data.",
            "All 400 schools (100%) can book again.",
            "We cannot guarantee a time.",
        ],
    ),
    "C02": (
        ["Bookings fail.", "We reverted the release."],
        ["Until then, you can book by phone.", "You do not need to do anything.", "Please book again."],
    ),
    "C03": (
        ["Bookings work again.", "Next update at 10:30 UTC."],
        ["Reply to this mail.", "Write to us: [support](https://acme.example/help).", "Call us."],
    ),
    "C04": (
        ["Bookings fail for 31 schools.", "We know why.", "We are sorry that bookings fail."],
        ["We are rolling back to 7.0.", "We will refund the bookings by 5 May 2026.", "We switched the cache off."],
    ),
    "L01": (
        [
            "Traffic to 10.1.2.3 failed.",
            "The host mail-prod-07 stopped.",
            "See /var/log/mail.log.",
            "billing.svc.cluster.local is down.",
            "The etcd leader lost quorum.",
        ],
        ["The reports API answered with error 503.", "Version 10.1.2 is out.", "Servers in the EU region are slow."],
    ),
    "L02": (
        [
            "Use the token ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.",
            "Ask ana.silva@school.example about it.",
            "The secret = hunter2222 is public.",
            "`AKIAABCDEFGHIJKLMNOP` was in the log.",
            "Card 4111 1111 1111 1111 failed.",
        ],
        ["Write to support@acme.example.", "We replaced all passwords.", "Order 12345 failed."],
    ),
    "L03": (
        [
            "Hello {{ name }}, search failed.",
            "Next update at [TIME].",
            "The cause: TBD.",
            "It hit ${count} schools.",
            "Dear <customer name>, search failed.",
            "We are sorry that {say what}.",
        ],
        [
            "Hello Ana, search failed.",
            "See the [review](https://acme.example/reviews).",
            "Run `echo ${HOME}` to check.",
        ],
    ),
    "L04": (
        ["SEARCH DOES NOT WORK for schools.", "WE ARE VERY SORRY."],
        ["The HTML, CSV and PDF exports work.", "All times are UTC."],
    ),
    "L05": (
        ["Search is back!", "Whoops, search broke.", "We are sorry \N{SMILING FACE WITH OPEN MOUTH AND COLD SWEAT}"],
        ["Search is back.", "Search broke."],
    ),
    "L06": (
        [
            "[resolved] We are investigating the failed bookings.",
            "[investigating] The issue has been resolved.",
            "[resolved] Bookings are failing.",
        ],
        [
            "[resolved] Bookings work again since 10:10 UTC.",
            "[investigating] We are looking into failed bookings.",
            "[monitoring] We reverted the release at 10:00 UTC and watch the bookings.",
        ],
    ),
    "L07": (
        [
            (
                "The release that we had prepared for several weeks changed the way in which rooms are "
                "found and, because nobody had "
                "tried it with more than a hundred rooms, it made the search fail for larger schools."
            )
        ],
        ["The release changed how rooms are found. It made the search fail for larger schools."],
    ),
}

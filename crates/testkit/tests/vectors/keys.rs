//! Labels, points and signatures.

use sotto_crypto::keys::{
    AccountPublic, DeviceIdentityKey, DeviceIdentityPublic, DeviceSigningPublic, KeyError,
};
use sotto_crypto::{Purpose, Signature};

use crate::given::each;

#[test]
fn labels() {
    let mut names = Vec::new();
    each("labels", "", |case| {
        let name = case.text("/given/purpose").to_owned();
        let purpose = Purpose::ALL
            .iter()
            .find(|purpose| purpose.label(&[]) == format!("sotto/v1/{name}\0").as_bytes())
            .unwrap_or_else(|| panic!("{name} is no purpose"));
        assert_eq!(purpose.label(&[&case.bytes("/given/context")]), case.bytes("/expect/label"));
        assert_eq!(purpose.hash(&[&case.bytes("/given/data")])[..], case.bytes("/expect/H"));
        names.push(name);
    });
    assert_eq!(names.len(), Purpose::ALL.len());
}

#[test]
fn agreements() {
    each("points", "agreement", |case| {
        let key = |path| DeviceIdentityKey::from_bytes(&case.array(path)).unwrap();
        let (ours, theirs) = (key("/given/private"), key("/given/their_private"));
        assert_eq!(*ours.public().as_bytes(), case.array("/expect/public"));
        assert_eq!(*theirs.public().as_bytes(), case.array("/expect/their_public"));
    });
}

#[test]
fn scalars() {
    each("points", "scalar", |case| {
        let key = DeviceIdentityKey::from_bytes(&case.array("/given/private"));
        if let Some(key) = case.judge(key) {
            assert_eq!(*key.public().as_bytes(), case.array("/expect/public"));
        }
    });
}

#[test]
fn points() {
    each("points", "", |case| {
        if case.has("/given/point") {
            let bytes = case.bytes("/given/point");
            let point: Result<&[u8; 33], KeyError> =
                bytes.as_slice().try_into().map_err(|_| KeyError::BadPoint);
            case.judge(point.and_then(DeviceIdentityPublic::from_bytes));
        }
    });
}

#[test]
fn signatures() {
    each("signatures", "", |case| {
        let bytes = case.bytes("/given/bytes");
        let public = case.array("/given/public");
        let verified =
            Signature::from_bytes(&case.array("/given/signature")).and_then(|signature| {
                match case.text("/given/type") {
                    "device-list" => {
                        AccountPublic::from_bytes(&public).unwrap().verify_device_list(&bytes, &signature)
                    }
                    "bundle" => {
                        DeviceSigningPublic::from_bytes(&public).unwrap().verify_bundle(&bytes, &signature)
                    }
                    other => panic!("{other}"),
                }
            });
        if case.judge(verified).is_some() {
            assert_eq!(case.array::<64>("/expect/signature"), case.array("/given/signature"));
        }
    });
}
